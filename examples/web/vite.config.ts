import { defineConfig } from 'vite';

// one origin for the page and the server, as a proxy gives it in production; elsewhere, VITE_ENDPOINT is the server's
// origin and its CORS_ORIGINS the page's
const target = process.env.MINIACCOUNT_URL ?? 'http://127.0.0.1:8000';
const proxy = { '/graphql': { target, ws: true } };

export default defineConfig({
  server: { proxy, fs: { allow: ['.', '../../client/dist'] } },
  preview: { proxy },
});
