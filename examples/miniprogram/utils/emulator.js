// The server's emulator in place of WeChat, where config.js names one. A published mini program needs none of this.
const { emulator } = require('../config');

const call = (name) => (options) => new Promise((success, fail) => {
  wx[name](Object.assign({}, options, { success, fail }));
});

exports.isOn = Boolean(emulator);

/** The AppID of the mini program that the emulator serves. */
exports.appId = 'wx0000000000000000';

/** What `wx.login` answers: a code that is good once. */
exports.login = async () => {
  const { data } = await call('request')({
    url: `${emulator.endpoint}/emulator/code`,
    method: 'POST',
    data: { user: emulator.user },
  });
  if (!data.code) throw new Error(`the emulator gives no code: ${data}`);
  return { code: data.code };
};

/** The client's adapter: WeChat's functions, but for the login. */
exports.adapter = {
  request: call('request'),
  login: exports.login,
  upload: call('uploadFile'),
  socket: (options) => wx.connectSocket(options),
  storage: {
    get: (key) => wx.getStorageSync(key),
    set: (key, value) => wx.setStorageSync(key, value),
    remove: (key) => wx.removeStorageSync(key),
  },
};

/** The event of the phone button: without a real AppID WeChat refuses, whatever the person says. */
exports.phoneEvent = (event) => {
  const { code, errMsg = '' } = event.detail;
  if (!emulator || code || /deny|cancel/.test(errMsg)) return event;
  return { detail: { code: `emulator:${emulator.phone}`, errMsg: 'getPhoneNumber:ok' } };
};
