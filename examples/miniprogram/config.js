// What a mini program of your own changes. Nothing else names the server.
module.exports = {
  // The address of the server, without a slash at the end. A published mini program needs https and a domain that is listed.
  endpoint: 'http://127.0.0.1:8000',

  // The AppID, where the server has several mini programs; '' is its default one.
  appId: '',

  // Names for the list of linked identities.
  appNames: { wx0000000000000000: '本机模拟的小程序' },

  // With the server's emulator: codes come from there, because WeChat gives none without a real AppID. The user is a name of
  // your choice. `null` with a real mini program.
  emulator: { endpoint: 'http://127.0.0.1:8001', user: 'alice', phone: '+8613800000000' },
};
