// What the client needs of the place it runs in: calls of WeChat's `wx`, in its shapes, as promises. A call that got no
// answer rejects, with wx's `{ errMsg }` or any error.
type Later<T> = T | Promise<T>;

export interface Adapter {
  /** Sends `data` as JSON, with its Content-Type. Any HTTP status resolves; `data` is parsed where it is JSON, or text. */
  request(options: RequestOptions): Promise<{ statusCode: number; data: unknown }>;
  /** A new code at each call. */
  login(): Promise<{ code: string }>;
  /** Any HTTP status resolves. `data` is text. */
  upload?(options: UploadOptions): Promise<{ statusCode: number; data: string }>;
  socket?(options: { url: string; protocols: string[] }): Later<Socket>;
  storage: {
    /** Anything but text counts as nothing. */
    get(key: string): Later<unknown>;
    set(key: string, value: string): Later<void>;
    remove(key: string): Later<void>;
  };
}

export interface RequestOptions {
  url: string;
  method: 'POST';
  header: Record<string, string>;
  data: Record<string, unknown>;
  timeout: number;
}

export interface UploadOptions {
  url: string;
  filePath: string;
  name: string;
  header: Record<string, string>;
}

/** WeChat's SocketTask, as far as it is used. */
export interface Socket {
  send(options: { data: string }): void;
  close(options: { code?: number; reason?: string }): void;
  onOpen(listener: () => void): void;
  onMessage(listener: (event: { data: unknown }) => void): void;
  onError(listener: () => void): void;
  onClose(listener: (event: { code: number; reason: string }) => void): void;
}
