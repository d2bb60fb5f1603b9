// What the client needs of WeChat, with a gate before the login: the client logs in by itself when its session has ended, and
// somebody who signed out, here or from another device, is to stay signed out.
const emulator = require('./emulator');
const { AccountError } = require('../lib/miniaccount-client');

const call = (name) => (options) => new Promise((success, fail) => {
  wx[name](Object.assign({}, options, { success, fail }));
});

const nextTurn = () => new Promise((resolve) => { setTimeout(resolve, 0); });

let isAllowed = false;

exports.allowLogin = (allowed) => { isAllowed = allowed; };

exports.adapter = {
  request: call('request'),
  upload: call('uploadFile'),
  socket: (options) => wx.connectSocket(options),

  async login() {
    // who listens for the end of the session hears of it in a timer of the same length, which was set before
    await nextTurn();
    if (!isAllowed) throw new AccountError({ code: 'CANCELLED', action: 'GIVE_UP', message: 'signed out' });
    return emulator.isOn ? emulator.login() : call('login')();
  },

  storage: {
    get: (key) => wx.getStorageSync(key),
    set: (key, value) => wx.setStorageSync(key, value),
    remove: (key) => wx.removeStorageSync(key),
  },
};
