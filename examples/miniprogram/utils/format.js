// Dates, numbers and devices in words.
const two = (number) => `${number}`.padStart(2, '0');

const DAY_MS = 86400000;

const clock = (date) => `${two(date.getHours())}:${two(date.getMinutes())}`;

const day = (date) => `${date.getFullYear()}年${date.getMonth() + 1}月${date.getDate()}日`;

exports.date = (text) => day(new Date(text));

/** A date with the time of the day. */
exports.moment = (text) => {
  const date = new Date(text);
  return `${day(date)} ${clock(date)}`;
};

/** A time in the past. A phone's clock may be behind the server's: what seems to be in the future is now. */
exports.ago = (text, now = new Date()) => {
  const date = new Date(text);
  const minutes = Math.floor((now - date) / 60000);
  if (minutes < 1) return '刚刚';
  if (minutes < 60) return `${minutes} 分钟前`;
  if (day(date) === day(now)) return `今天 ${clock(date)}`;
  if (day(date) === day(new Date(now - DAY_MS))) return `昨天 ${clock(date)}`;
  return day(date);
};

/** How many days are left, at least one. */
exports.daysLeft = (text, now = Date.now()) => Math.max(1, Math.ceil((new Date(text) - now) / DAY_MS));

/** `+8613800001234` as `138 **** 1234`; of other countries the code and the last four digits. */
exports.phone = (number) => {
  if (!number) return '';
  const inChina = /^\+86(\d{3})\d{4}(\d{4})$/.exec(number);
  if (inChina) return `${inChina[1]} **** ${inChina[2]}`;
  return `${number.slice(0, 3)} **** ${number.slice(-4)}`;
};

/** A network as an address with its end left out: `203.0.113.0/24` as `203.0.113.*`. */
exports.network = (prefix) => {
  const inV4 = /^(\d+\.\d+\.\d+)\.0\/24$/.exec(prefix || '');
  return inV4 ? `${inV4[1]}.*` : (prefix || '').split('/')[0];
};

const SYSTEMS = [[/iPhone/, 'iPhone'], [/iPad/, 'iPad'], [/Android/, '安卓手机'], [/Macintosh|MacWechat/i, 'Mac'], [/Windows/, 'Windows 电脑']];

/** The name that the device gave itself, or what its User-Agent tells. */
exports.device = ({ deviceName, userAgent }) => {
  if (deviceName) return deviceName;
  const system = SYSTEMS.find(([pattern]) => pattern.test(userAgent || ''));
  return system ? system[1] : '未命名的设备';
};
