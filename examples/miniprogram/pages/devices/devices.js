// Where the person is signed in, and the way to end it there.
const signedIn = require('../../behaviors/signed-in');
const api = require('../../utils/api');
const format = require('../../utils/format');
const { explain } = require('../../utils/explain');
const { confirm, toast } = require('../../utils/wechat');

const view = (device) => ({
  id: device.id,
  isCurrent: device.isCurrent,
  name: format.device(device),
  lastUsed: `最近使用：${format.ago(device.lastUsedAt)}`,
  place: device.ipPrefix ? ` · ${format.network(device.ipPrefix)}` : '',
});

Component({
  behaviors: [signedIn],

  // `devices` is null until there is an answer
  data: { devices: null, total: 0, next: null, problem: null },

  methods: {
    async load() {
      this.setData({ problem: null });
      try {
        this.show(await api.devices(), []);
      } catch (error) {
        const problem = explain(error);
        if (this.data.devices) await this.showProblem(problem);
        else this.setData({ problem });
      }
    },

    show({ devices, total, next }, before) {
      this.setData({ devices: before.concat(devices.map(view)), total, next });
    },

    async onPullDownRefresh() {
      await this.retry();
      wx.stopPullDownRefresh();
    },

    async onReachBottom() {
      const { next, devices } = this.data;
      if (next) await this.run('more', async () => this.show(await api.devices(next), devices));
    },

    async signOutDevice({ currentTarget: { dataset: { id, name } } }) {
      const isSure = await confirm({ title: '退出这台设备？', content: `${name} 需要重新登录才能使用您的账号。`, confirmText: '退出', isDangerous: true });
      if (!isSure) return;
      if (await this.run(id, () => api.signOutDevice(id))) toast('已退出');
      await this.load();
    },

    async signOutOthers() {
      const isSure = await confirm({ title: '退出其他所有设备？', content: '只有这台设备保持登录。', confirmText: '全部退出', isDangerous: true });
      if (!isSure) return;
      if (await this.run('others', api.signOutOthers)) toast('其他设备已退出');
      await this.load();
    },
  },
});
