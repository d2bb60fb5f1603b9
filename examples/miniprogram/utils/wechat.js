// WeChat's own functions, as promises and in the form that the pages need.
const emulator = require('./emulator');

const call = (name, options) => new Promise((success, fail) => {
  wx[name](Object.assign({}, options, { success, fail }));
});

const ignore = () => {};

/** A login code that nothing has used. Links and deletions want one. */
exports.freshCode = async () => (emulator.isOn ? emulator.login() : call('login')).then(({ code }) => code);

/** AppID of this mini program. */
exports.ownAppId = () => (emulator.isOn ? emulator.appId : wx.getAccountInfoSync().miniProgram.appId);

/** A name for the list of devices, such as `Apple iPhone 15`; at most 64 characters. */
exports.deviceName = () => {
  const { brand = '', model = '' } = wx.getDeviceInfo ? wx.getDeviceInfo() : wx.getSystemInfoSync();
  return (model.includes(brand) ? model : `${brand} ${model}`).trim().slice(0, 64) || undefined;
};

/** Whether the person confirms. */
exports.confirm = async ({ title, content, confirmText, isDangerous = false }) => {
  const options = { title, content, confirmText, cancelText: '取消', confirmColor: isDangerous ? '#d84a4a' : '#07a35a' };
  const { confirm } = await call('showModal', options);
  return confirm;
};

exports.alert = ({ title, content, confirmText = '知道了' }) =>
  call('showModal', { title, content, confirmText, showCancel: false }).catch(ignore);

exports.toast = (title, icon = 'none') => { wx.showToast({ title, icon, duration: 2500 }); };

exports.copy = (data) => call('setClipboardData', { data });

exports.openPage = (name) => call('navigateTo', { url: `/pages/${name}/${name}` }).catch(ignore);

exports.openPrivacyContract = () => call('openPrivacyContract');

/** A value that outlives the run; a storage that is full or broken holds none. */
exports.remembered = (key) => {
  try {
    return wx.getStorageSync(key);
  } catch (error) {
    return '';
  }
};

exports.remember = (key, value) => {
  try {
    if (value) wx.setStorageSync(key, value);
    else wx.removeStorageSync(key);
  } catch (error) {
    // the next start does without it
  }
};
