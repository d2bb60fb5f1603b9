// The first page: who is signed in, and the way to everything else.
const signedIn = require('../../behaviors/signed-in');
const session = require('../../utils/session');
const format = require('../../utils/format');
const { confirm, openPage, openPrivacyContract, toast } = require('../../utils/wechat');

Component({
  behaviors: [signedIn],

  data: { initial: '我', phone: '', deletionDate: '' },

  methods: {
    onSession({ user }) {
      if (!user) return;
      this.setData({
        initial: user.nickname ? [...user.nickname][0] : '我',
        phone: format.phone(user.phoneNumber),
        deletionDate: user.deletesAt ? format.date(user.deletesAt) : '',
      });
    },

    async onPullDownRefresh() {
      if (this.data.session.status === 'ready') await this.run('refresh', session.refresh);
      else await session.start();
      wx.stopPullDownRefresh();
    },

    openProfile() { openPage('profile'); },
    openDevices() { openPage('devices'); },
    openIdentities() { openPage('identities'); },
    openDeletion() { openPage('deletion'); },

    openPrivacy() {
      return openPrivacyContract().catch(() => toast('还没有设置隐私保护指引'));
    },

    async signOut() {
      const isSure = await confirm({ title: '退出登录？', content: '账号和资料都会保留，可以随时重新登录。', confirmText: '退出' });
      if (isSure) await this.run('signOut', session.signOut);
    },
  },
});
