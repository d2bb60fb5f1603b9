// WeChat's `wx` as an adapter.
import type { Adapter } from './adapter.js';

interface Calls {
  request: Promise<WechatMiniprogram.RequestSuccessCallbackResult>;
  login: Promise<WechatMiniprogram.LoginSuccessCallbackResult>;
  uploadFile: Promise<WechatMiniprogram.UploadFileSuccessCallbackResult>;
}

/* Calls a function of wx with callbacks: older base libraries give no promises. */
function call<N extends keyof Calls>(name: N, options?: object): Calls[N] {
  return new Promise((success, fail) => {
    (wx as Record<keyof Calls, (all: object) => unknown>)[name](Object.assign({ success, fail }, options));
  }) as Calls[N];
}

export const wxAdapter = (): Adapter => ({
  request: (options) => call('request', options),
  login: () => call('login'),
  upload: (options) => call('uploadFile', options),
  socket: (options) => wx.connectSocket(options),
  storage: {
    get: (key) => wx.getStorageSync(key) as unknown,
    set: (key, value) => wx.setStorageSync(key, value),
    remove: (key) => wx.removeStorageSync(key),
  },
});
