// What the person is told about an error. `action` decides what they can do next; `code` only makes the sentence better.

const RETRY = {
  NETWORK: '网络不可用，请检查网络后再试',
  BAD_ANSWER: '没有连上服务器，请检查当前网络是否需要登录',
  RATE_LIMITED: '操作太频繁了',
  PROVIDER_UNAVAILABLE: '微信暂时没有回应',
};

const BAD_CODE = '登录码无效、已过期或已经用过，请获取新的登录码';

const FIX = {
  BLANK: '内容不能为空',
  CODE_USED: BAD_CODE,
  CONTENT_REFUSED: '内容未通过审核，请换一个',
  IDENTITY_TAKEN: '这个身份已经属于另一个账号',
  INVALID_CODE: BAD_CODE,
  INVALID: '内容里有不能使用的字符，请修改后再试',
  INVALID_PHONE_CODE: '手机号验证已失效，请重新点击按钮',
  LAST_IDENTITY: '这是最后一个登录方式，不能解除',
  NOT_ACTIVE: '账号正在注销或已停用，不能进行此操作',
  NOT_FOUND: '它已经不存在了，请刷新后查看',
  PAYLOAD_TOO_LARGE: '图片太大，请换一张小于 5 MB 的',
  PHONE_TAKEN: '这个手机号已经绑定了其他账号',
  PHONE_UNAVAILABLE: '暂时无法验证手机号，请稍后再试',
  TICKET_USED: '合并已过期，请重新获取登录码',
  TOO_LONG: '内容太长了，请缩短后再试',
  UNKNOWN_APP: '服务器不认识这个 AppID，请检查后再试',
  UNSUPPORTED_MEDIA_TYPE: '不支持这种图片，请换一张',
  WRONG_PERSON: '当前微信不是这个账号的登录方式',
};

const GIVE_UP = {
  ACCOUNT_NOT_FOUND: '还没有账号',
  ACCOUNT_SUSPENDED: '账号已被停用，如有疑问请联系客服',
  FORBIDDEN: '您没有权限进行此操作',
  LOGIN_BLOCKED: '微信拦截了这次登录，请在微信中查看账号安全提示',
};

/* Why a session ended, where the person has to log in again by themselves. */
const SESSION_END = {
  DELETED: '账号已经注销，再次登录会创建新账号',
  EVICTED: '登录的设备太多，这台设备已退出登录',
  LOGGED_OUT: '已在其他设备上退出登录',
  REUSED: '登录信息可能被他人复制，为了安全已退出登录',
  REVOKED: '已在其他设备上退出这台设备的登录',
  SUSPENDED: GIVE_UP.ACCOUNT_SUSPENDED,
  UNLINKED: '已解除关联，再次登录会创建新账号',
};

exports.sessionEnd = (reason) => SESSION_END[reason] || '您已退出登录';

const wait = (seconds) => (seconds > 90 ? `${Math.ceil(seconds / 60)} 分钟` : `${Math.ceil(seconds)} 秒`);

function retryText({ code, retryAfter }) {
  const what = RETRY[code] || '服务暂时繁忙';
  if (retryAfter > 1) return `${what}，请 ${wait(retryAfter)}后再试`;
  return RETRY[code] && what.includes('，') ? what : `${what}，请稍后再试`;
}

/**
 * `next` is what the person can do: `nothing` is said where they cancelled, `retry` and `fix` try again, `relogin` needs the
 * login button, `stop` only the words. `detail` is for whoever helps them.
 */
exports.explain = (error) => {
  const { action, code, requestId } = error;
  const detail = requestId && action !== 'FIX' ? `编号 ${requestId}` : '';
  if (code === 'CANCELLED') return { next: 'nothing', text: '', detail: '' };
  if (action === 'RETRY') return { next: 'retry', text: retryText(error), detail };
  if (action === 'RELOGIN') return { next: 'relogin', text: '登录已失效，请重新登录', detail };
  if (action === 'FIX') return { next: 'fix', text: FIX[code] || '无法完成，请更新小程序后再试', detail: FIX[code] ? '' : code };
  if (action === 'GIVE_UP') return { next: 'stop', text: GIVE_UP[code] || '无法完成此操作', detail };
  if (action === 'OPERATOR') return { next: 'stop', text: '服务设置有误，请联系客服', detail };
  console.error(error);
  return { next: 'retry', text: '出了点问题，请稍后再试', detail: '' };
};

/**
 * Why the phone button brought no code. Phones word a refusal in several ways (`fail user deny`, `fail:user deny`); what is no
 * refusal has nothing to do with the person.
 */
exports.phoneRefusal = ({ errMsg = '', errno }) => {
  if (/deny|cancel/.test(errMsg)) return '没有授权，手机号未改变';
  if (errno === 1400001) return '验证手机号的次数已用完，请联系客服';
  if (errno === 112 || /privacy/.test(errMsg)) return '需要先同意隐私保护指引';
  return '这个小程序还不能获取手机号';
};
