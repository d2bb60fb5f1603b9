// The way out: asked for with a fresh code, shown until it happens, and cancelled until then.
const signedIn = require('../../behaviors/signed-in');
const api = require('../../utils/api');
const format = require('../../utils/format');
const { confirm, toast } = require('../../utils/wechat');

Component({
  behaviors: [signedIn],

  data: {
    date: '',
    days: 0,
    effects: [
      '昵称、头像、手机号和其他资料会被删除，不能恢复',
      '所有设备都会退出登录',
      '关联的微信和小程序会解除关联',
      '以后再次登录，会得到一个全新的账号',
    ],
  },

  methods: {
    onSession({ user }) {
      if (user && user.deletesAt) this.setData({ date: format.date(user.deletesAt), days: format.daysLeft(user.deletesAt) });
    },

    async requestDeletion() {
      const isSure = await confirm({ title: '申请注销账号？', content: '冷静期结束后，账号和资料会被永久删除。', confirmText: '申请注销', isDangerous: true });
      if (isSure && await this.run('delete', api.requestDeletion)) toast('已申请注销');
    },

    async cancelDeletion() {
      if (await this.run('cancel', api.cancelDeletion)) toast('已撤销', 'success');
    },
  },
});
