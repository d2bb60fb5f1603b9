// What a page shows in place of its content: that it loads, that it failed, that nobody is signed in.
Component({
  properties: {
    // state of the session, from the behavior `signed-in`
    session: Object,
    // why the page's own content could not be loaded: what `explain` answered, or null
    problem: null,
  },

  data: { kind: 'loading', text: '', detail: '', button: '' },

  observers: {
    'session, problem': function choose(session, problem) {
      this.setData(Object.assign({ text: '', detail: '', button: '' }, this.view(session || {}, problem)));
    },
  },

  methods: {
    view({ status, problem, notice }, pageProblem) {
      if (status === 'signedOut') return { kind: 'signedOut', text: notice, button: '登录' };
      const failure = status === 'failed' ? problem : pageProblem;
      if (!failure || status === 'loading') return { kind: 'loading', text: '正在加载' };
      const { next, text, detail } = failure;
      if (next === 'relogin') return { kind: 'relogin', text, detail, button: '重新登录' };
      return { kind: 'problem', text, detail, button: '再试一次' };
    },

    act() {
      const isLogin = this.data.kind === 'signedOut' || this.data.kind === 'relogin';
      this.triggerEvent(isLogin ? 'signin' : 'retry');
    },
  },
});
