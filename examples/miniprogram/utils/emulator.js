// The server's emulator in place of WeChat, where config.js names one. A published mini program needs none of this.
const { emulator } = require('../config');

exports.isOn = Boolean(emulator);

/** The AppID of the mini program that the emulator serves. */
exports.appId = 'wx0000000000000000';

/** What `wx.login` answers: a code that is good once. */
exports.login = async () => {
  const url = `${emulator.endpoint}/emulator/code`;
  const { data } = await new Promise((success, fail) => {
    wx.request({ url, method: 'POST', data: { user: emulator.user }, success, fail });
  });
  if (!data.code) throw new Error(`the emulator gives no code: ${data}`);
  return { code: data.code };
};

/** The event of the phone button: without a real AppID WeChat refuses, whatever the person says. */
exports.phoneEvent = (event) => {
  const { code, errMsg = '' } = event.detail;
  if (!emulator || code || /deny|cancel/.test(errMsg)) return event;
  return { detail: { code: `emulator:${emulator.phone}`, errMsg: 'getPhoneNumber:ok' } };
};
