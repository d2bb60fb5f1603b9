// What a page shows in place of its content: that it loads, that it failed, that nobody is signed in, that there is nothing.
Component({
  properties: {
    // state of the session, from the behavior `signed-in`
    session: Object,
    // state of the page's own content: `loading`, `empty`, or a problem of `explain`
    content: null,
    emptyText: String,
  },

  data: { kind: 'loading', text: '', detail: '', button: '' },

  observers: {
    'session, content, emptyText': function choose(session, content, emptyText) {
      this.setData(Object.assign({ text: '', detail: '', button: '' }, this.view(session || {}, content, emptyText)));
    },
  },

  methods: {
    view({ status, problem, notice }, content, emptyText) {
      if (status === 'signedOut') return { kind: 'signedOut', text: notice, button: '登录' };
      if (status === 'failed') return this.problem(problem);
      if (content === 'empty') return { kind: 'empty', text: emptyText };
      if (content && content.next) return this.problem(content);
      return { kind: 'loading', text: '正在加载' };
    },

    problem({ next, text, detail }) {
      const button = next === 'relogin' ? '重新登录' : '再试一次';
      return { kind: next === 'relogin' ? 'relogin' : 'problem', text, detail, button };
    },

    act() {
      const isLogin = this.data.kind === 'signedOut' || this.data.kind === 'relogin';
      this.triggerEvent(isLogin ? 'signin' : 'retry');
    },
  },
});
