// What every page has: the state of the session, and one way to run what may fail.
const session = require('../utils/session');
const { explain } = require('../utils/explain');
const { alert, toast } = require('../utils/wechat');

module.exports = Behavior({
  data: {
    session: { status: 'loading' },
    // name of the task that runs; its button shows it, and the others wait
    busy: '',
  },

  lifetimes: {
    attached() {
      this.stopWatching = session.watch((state) => {
        this.setData({ session: state });
        if (this.onSession) this.onSession(state);
        // a page loads what is its own once somebody is there, and again for somebody else
        const id = state.status === 'ready' ? state.user.id : '';
        if (id === this.loadedFor) return;
        this.loadedFor = id;
        if (id && this.load) this.load();
      });
    },

    detached() {
      this.stopWatching();
    },
  },

  methods: {
    /* What failed: the session, or what the page loads once it is there. */
    retry() {
      return this.data.session.status === 'ready' ? this.load() : session.start();
    },

    signIn() {
      session.signIn();
    },

    /** Runs a task, one at a time. Answers whether it succeeded; what it fails with is shown, here or by `onProblem`. */
    async run(name, task, onProblem) {
      if (this.data.busy) return false;
      this.setData({ busy: name });
      try {
        await task();
        return true;
      } catch (error) {
        const problem = explain(error);
        if (onProblem && problem.next === 'fix') onProblem(problem.text);
        else await this.showProblem(problem);
        return false;
      } finally {
        this.setData({ busy: '' });
      }
    },

    async showProblem({ next, text, detail }) {
      if (next === 'nothing') return;
      if (next === 'retry' || next === 'fix') return void toast(text);
      await alert({ title: text, content: detail, confirmText: next === 'relogin' ? '重新登录' : '知道了' });
      if (next === 'relogin') session.signIn();
    },
  },
});
