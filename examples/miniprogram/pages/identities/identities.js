// The identities that open this account: another mini program's, or another WeChat account's.
const signedIn = require('../../behaviors/signed-in');
const config = require('../../config');
const api = require('../../utils/api');
const emulator = require('../../utils/emulator');
const format = require('../../utils/format');
const { explain } = require('../../utils/explain');
const { confirm, copy, freshCode, ownAppId, toast } = require('../../utils/wechat');

const CODE_LIFE_MS = 5 * 60 * 1000;

const view = ({ id, appId, createdAt }) => {
  const name = config.appNames[appId] || (appId === ownAppId() ? '当前小程序' : appId);
  return { id, name, since: format.moment(createdAt) };
};

Component({
  behaviors: [signedIn],

  // `identities` is null until there is an answer
  data: { identities: null, problem: null, isEmulated: emulator.isOn, code: '', mistake: '', hasTicket: false, ownCode: '' },

  lifetimes: {
    detached() {
      clearTimeout(this.codeTimer);
    },
  },

  methods: {
    async load() {
      this.setData({ problem: null });
      try {
        this.setData({ identities: (await api.identities()).map(view) });
      } catch (error) {
        const problem = explain(error);
        if (this.data.identities) await this.showProblem(problem);
        else this.setData({ problem });
      }
    },

    async onPullDownRefresh() {
      await this.retry();
      wx.stopPullDownRefresh();
    },

    editCode() {
      if (this.data.mistake) this.setData({ mistake: '' });
    },

    async link({ detail: { value } }) {
      const code = value.code.trim();
      this.setData({ code, mistake: code ? '' : '请填写登录码' });
      if (!code) return;
      const isDone = await this.run('link', async () => {
        this.ticket = await api.link(code, value.appId.trim());
      }, (text) => this.setData({ mistake: text }));
      // a code is good once, whatever came of it
      this.setData({ code: '', hasTicket: isDone && Boolean(this.ticket) });
      if (!isDone || this.ticket) return;
      toast('已关联', 'success');
      await this.load();
    },

    async merge() {
      const isSure = await confirm({ title: '合并后不能撤销', content: '确定两个账号都是您的吗？', confirmText: '合并', isDangerous: true });
      if (!isSure) return;
      const isMerged = await this.run('merge', () => api.merge(this.ticket), (text) => this.setData({ mistake: text }));
      this.dropTicket();
      if (isMerged) toast('已合并', 'success');
      await this.load();
    },

    /* A ticket is a secret and good once: it stays out of the page's data. */
    dropTicket() {
      this.ticket = null;
      this.setData({ hasTicket: false });
    },

    async unlink({ currentTarget: { dataset: { id, name } } }) {
      const content = `以后用“${name}”登录会进入一个新账号。如果当前就是用它登录的，这台设备会退出登录。`;
      const isSure = await confirm({ title: '解除关联？', content, confirmText: '解除', isDangerous: true });
      if (!isSure) return;
      let isSignedOut = false;
      if (await this.run(id, async () => { isSignedOut = await api.unlink(id); })) toast('已解除');
      if (!isSignedOut) await this.load();
    },

    async copyOwnCode() {
      await this.run('code', async () => {
        const ownCode = await freshCode();
        this.setData({ ownCode });
        clearTimeout(this.codeTimer);
        this.codeTimer = setTimeout(() => this.setData({ ownCode: '' }), CODE_LIFE_MS);
        await copy(ownCode);
      });
    },
  },
});
