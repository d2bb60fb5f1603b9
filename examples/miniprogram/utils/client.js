// The one client of this mini program.
const config = require('../config');
const { adapter } = require('./adapter');
const { deviceName } = require('./wechat');
const { createAccount } = require('../lib/miniaccount-client');

module.exports = createAccount({
  endpoint: config.endpoint,
  appId: config.appId,
  device: { name: deviceName() },
  adapter,
});
