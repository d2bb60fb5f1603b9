const session = require('./utils/session');

App({
  // The login is silent: WeChat asks nobody for it. It runs once per start, not each time a page is shown.
  onLaunch() {
    session.start();
  },

  onShow() {
    session.resume();
  },

  onHide() {
    session.pause();
  },
});
