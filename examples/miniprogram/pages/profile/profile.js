// Picture, nickname and phone number. Each has its WeChat component, and each of these its quirks.
const signedIn = require('../../behaviors/signed-in');
const api = require('../../utils/api');
const emulator = require('../../utils/emulator');
const format = require('../../utils/format');
const { phoneRefusal } = require('../../utils/explain');
const { confirm, toast } = require('../../utils/wechat');

Component({
  behaviors: [signedIn],

  data: { nickname: '', nicknameMistake: '', phone: '', phoneMistake: '' },

  methods: {
    onSession({ user }) {
      if (!user) return;
      const { nickname } = user;
      this.setData({ phone: format.phone(user.phoneNumber) });
      // what the person is typing stays, whatever another device changes
      if (nickname === this.savedNickname) return;
      this.savedNickname = nickname;
      this.setData({ nickname: nickname || '' });
    },

    /* Some phones report that the person chose nothing, without a path. */
    async chooseAvatar({ detail: { avatarUrl } }) {
      if (avatarUrl && await this.run('avatar', () => api.saveAvatar(avatarUrl))) toast('头像已更新', 'success');
    },

    editNickname() {
      if (this.data.nicknameMistake) this.setData({ nicknameMistake: '' });
    },

    /* WeChat checks the nickname after the field lost the focus, and empties the field where it does not pass. */
    reviewNickname({ detail: { pass, timeout } }) {
      if (!pass && !timeout) this.setData({ nicknameMistake: '昵称未通过微信审核，请换一个' });
    },

    /* The form has the value: a nickname that was picked from the keyboard is no input event everywhere. */
    async saveNickname({ detail: { value } }) {
      const nickname = value.nickname.trim();
      this.setData({ nickname, nicknameMistake: '' });
      const isSaved = await this.run('nickname', () => api.saveNickname(nickname), (text) => this.setData({ nicknameMistake: text }));
      if (isSaved) toast(nickname ? '昵称已保存' : '昵称已清除', 'success');
    },

    async bindPhone(pressed) {
      const event = emulator.phoneEvent(pressed);
      this.setData({ phoneMistake: '' });
      if (!event.detail.code) return void this.setData({ phoneMistake: phoneRefusal(event.detail) });
      // a code is good once: after a mistake the person presses the button again
      if (await this.run('phone', () => api.bindPhone(event), (text) => this.setData({ phoneMistake: text }))) toast('手机号已绑定', 'success');
    },

    async unbindPhone() {
      const isSure = await confirm({ title: '解绑手机号？', content: '号码会从账号中删除，可以随时重新绑定。', confirmText: '解绑', isDangerous: true });
      if (isSure && await this.run('unbind', api.unbindPhone)) toast('手机号已解绑');
    },
  },
});
