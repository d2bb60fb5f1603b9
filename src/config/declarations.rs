//! The declarations of all settings, one entry each. Parsing, the refusal of unknown keys, `check-config`, `--help` and
//! the tables of both READMEs follow from it; `Config` in `config.rs` has the fields that read them.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    time::Duration,
};

use ipnet::IpNet;
use secrecy::{SecretSlice, SecretString};

use super::{
    ContentCheck, DatabaseUrl, LogFormat, Rate, address, credential, manifest,
    media_url::{self, MediaUrl},
    parse::{list, one, optional, whole},
    setting::{Declaration, Kind, Setting, settings},
    value,
};

/// Settings that must not be blank. If they counted as not set, the server would start with the emulator, or on a new
/// database, which was not intended.
pub(super) static REFUSED_WHEN_BLANK: &[&Declaration] = &[
    &WECHAT_APP_ID.declaration,
    &WECHAT_APP_SECRET.declaration,
    &WECHAT_APPS.declaration,
    &SECRET_KEY.declaration,
    &DATABASE_URL.declaration,
];

settings! {
    LISTEN: Plain, one(address::socket) as SocketAddr, "127.0.0.1:8000",
        "address of the API; port 0 selects a free port and logs it",
        "API 的监听地址；端口为 0 时自动选择空闲端口，并写入日志";
    DATABASE_URL: Secret, one(str::parse) as DatabaseUrl, "sqlite://miniaccount.db?mode=rwc",
        "address of the database: `sqlite:`, `postgres:` or `mysql:`",
        "数据库地址：`sqlite:`、`postgres:` 或 `mysql:`";
    DATABASE_CONNECTIONS: Plain, one(value::count) as u32, "16",
        "maximum number of open database connections of one process",
        "一个进程最多保持的数据库连接数（连接池上限）";
    WECHAT_APP_ID: Plain, optional(credential::app_id) as Option<String>, "",
        "AppID of the mini program; without a mini program the emulator replaces WeChat",
        "小程序的 AppID；未配置小程序时由模拟器代替微信";
    WECHAT_APP_SECRET: Secret, optional(credential::app_secret) as Option<SecretString>, "",
        "AppSecret of the mini program",
        "小程序的 AppSecret";
    WECHAT_APPS: Secret, list(credential::app) as Vec<(String, SecretString)>, "",
        "more mini programs: `appid:secret,appid:secret`",
        "更多小程序：`appid:secret,appid:secret`";
    OPEN_PLATFORMS: Table, whole(value::open_platforms) as BTreeMap<String, String>, "",
        "name of the open-platform account of each mini program, if not all are bound to the same account: \
         `appid:name,appid:name`",
        "各小程序绑定的微信开放平台账号的名称，仅当并非全部绑定到同一账号时需要：`appid:name,appid:name`";
    WECHAT_API_BASE: Plain, list(address::wechat_host) as Vec<String>,
        "https://api.weixin.qq.com,https://api2.weixin.qq.com",
        "hosts of WeChat's API, in order of preference",
        "微信服务端 API 的域名，按优先顺序排列";
    WECHAT_CONNECT_TIMEOUT: Plain, one(value::duration) as Duration, "2s",
        "timeout for connecting to WeChat",
        "与微信建立连接的超时时间";
    WECHAT_TIMEOUT: Plain, one(value::duration) as Duration, "5s",
        "timeout for a response of WeChat, including the time for connecting",
        "等待微信响应的超时时间（含建立连接的时间）";
    WECHAT_CALLS_IN_FLIGHT: Plain, one(value::count) as u32, "64",
        "maximum number of concurrent calls of WeChat for each mini program",
        "每个小程序并发调用微信的数量上限";
    WECHAT_PUSH_TOKEN: Secret, optional(credential::push_token) as Option<SecretString>, "",
        "token of the message push, as entered in WeChat's console for `/wechat/push/{appid}`; without a token this \
         route does not exist, except with the emulator",
        "消息推送的 Token（令牌），与在微信公众平台为 `/wechat/push/{appid}` 填写的一致；未设置且未使用模拟器时，该路由不存在";
    WECHAT_PUSH_AES_KEY: Secret, optional(credential::push_aes_key) as Option<SecretSlice<u8>>, "",
        "EncodingAESKey of the message push, 43 characters; needed for encrypted messages",
        "消息推送的 EncodingAESKey（消息加密密钥），43 个字符；接收加密消息时需要";
    CONTENT_CHECK: Plain, one(value::content_check) as ContentCheck, "off",
        "effect of WeChat's content check of nicknames and uploaded pictures: `off`, `flag` (keep, and list in \
         `miniaccount admin flagged`) or `enforce` (refuse)",
        "微信内容安全检测对昵称和上传的头像的作用：`off`（不检测）、`flag`（保留并标记，可用 `miniaccount admin flagged` 列出）或 `enforce`（拒绝）";
    CONTENT_CHECK_REVIEW: Plain, one(value::keep) as bool, "keep",
        "with `enforce`, whether content that WeChat suggests for review by a person is kept and flagged (`keep`) or \
         refused (`refuse`)",
        "`enforce` 时，对微信建议人工审核的内容：`keep`（保留并标记）或 `refuse`（拒绝）";
    CONTENT_CHECK_UNAVAILABLE: Plain, one(value::keep) as bool, "keep",
        "with `enforce`, whether content that WeChat could not check is kept and flagged (`keep`) or refused \
         (`refuse`)",
        "`enforce` 时，对微信未能检测的内容：`keep`（保留并标记）或 `refuse`（拒绝）";
    CLOUD_HOSTING: Plain, one(value::boolean) as bool, "false",
        "`true` trusts the headers with which WeChat cloud hosting identifies the caller, such as `X-WX-OPENID`; the \
         server must then be reachable only through cloud hosting",
        "设为 `true` 时，信任微信云托管用来标识调用者的 `X-WX-OPENID` 等请求头；此时只允许通过云托管访问本服务";
    EMULATOR: Plain, optional(value::boolean) as Option<bool>, "",
        "`true` starts the emulator even if a database server, a proxy or a public address is configured",
        "设为 `true` 时，即使配置了数据库服务器、反向代理或公网地址，也启动模拟器";
    SECRET_KEY: Secret, list(credential::key) as Vec<SecretSlice<u8>>, "",
        "32 or more random bytes in base64; for a key rotation several keys, newest first, separated by commas",
        "至少 32 字节的随机数据，base64 编码；轮换密钥时填写多个，新的在前，以逗号分隔";
    ACCESS_TOKEN_TTL: Plain, one(value::duration) as Duration, "2h",
        "lifetime of an access token",
        "访问令牌的有效期";
    REFRESH_TOKEN_TTL: Plain, one(value::duration) as Duration, "30d",
        "lifetime of a session without a refresh",
        "会话在未刷新时的有效期";
    SESSION_MAX_AGE: Plain, one(value::duration) as Duration, "180d",
        "maximum lifetime of a session",
        "会话从登录起的最长有效期";
    SESSIONS_PER_USER: Plain, one(value::count) as u32, "20",
        "maximum number of live sessions of one user; a further login ends the oldest one",
        "每个用户的有效会话数上限；超出时终止最早的会话";
    SESSIONS_CACHED: Plain, one(value::count) as u32, "50000",
        "maximum number of sessions cached in memory, about 1 KB each; a request with a cached session needs no \
         database query",
        "内存中缓存的会话数上限，每个约 1 KB；命中缓存的请求无需查询数据库";
    SESSIONS_KEPT: Plain, one(value::duration) as Duration, "7d",
        "how long the record of a session, with the reason for its end, is kept after it ended or expired",
        "会话终止或过期后，其记录（及终止原因）的保留时间";
    DELETION_GRACE: Plain, one(value::duration) as Duration, "15d",
        "time between a request to delete an account and the deletion; until then the user may cancel",
        "从申请注销账号到删除账号的时间；在此之前用户可以撤销";
    LOGIN_REPEAT_WINDOW: Plain, one(value::duration_or_off) as Duration, "10s",
        "how long a repeated code gets the same session and tokens, or the same error, on every node; `off` stores no \
         result",
        "在多长时间内，向任一节点重复提交同一个 code 会得到同样的会话和令牌，或同样的错误；`off` 表示不保存结果";
    PHONE_JOINS_ACCOUNTS: Plain, one(value::boolean) as bool, "false",
        "with `true`, a first login with a phone number that WeChat confirmed joins the account that has this number",
        "设为 `true` 时，若首次登录所带的手机号（经微信验证）已属于某个账号，则登录该账号";
    LOGIN_RATE_LIMIT: Plain, one(value::rate) as Option<Rate>, "600/min",
        "rate limit of logins for each client address (IPv6: for each /64, and four times as many for each /48); \
         `off` for load tests",
        "每个客户端地址的登录限流（IPv6 按 /64 计，同时按 /48 计，后者为四倍）；压测时设为 `off`";
    REFRESH_RATE_LIMIT: Plain, one(value::rate) as Option<Rate>, "600/min",
        "rate limit of refreshes for each client address, counted in the same way",
        "每个客户端地址的刷新限流，计算方式同上";
    APP_LOGIN_RATE_LIMIT: Plain, one(value::rate) as Option<Rate>, "30000/min",
        "rate limit of logins for each mini program; off if `LOGIN_RATE_LIMIT` is off",
        "每个小程序的登录限流；`LOGIN_RATE_LIMIT` 关闭时随之关闭";
    USER_RATE_LIMIT: Plain, one(value::rate) as Option<Rate>, "600/min",
        "rate limit of logins, refreshes and profile changes for each user; off if `LOGIN_RATE_LIMIT` is off",
        "每个用户的登录、刷新和资料修改限流；`LOGIN_RATE_LIMIT` 关闭时随之关闭";
    AVATAR_RATE_LIMIT: Plain, one(value::rate) as Option<Rate>, "30/h",
        "rate limit of picture uploads for each user; off if `LOGIN_RATE_LIMIT` is off",
        "每个用户的头像上传限流；`LOGIN_RATE_LIMIT` 关闭时随之关闭";
    REDIS_URL: Secret, optional(address::redis) as Option<SecretString>, "",
        "Redis that stores the rate-limit counters of all nodes, `redis:` or `rediss:` (TLS); without it each node \
         counts separately",
        "保存各节点共用的限流计数的 Redis，`redis:` 或 `rediss:`（TLS）；不设置时各节点分别计数";
    GRAPHIQL: Plain, optional(value::boolean) as Option<bool>, "",
        "whether the explorer and introspection are available: `true` or `false`; by default only with the emulator",
        "是否启用调试台和内省（introspection）：`true` 或 `false`；默认仅在使用模拟器时启用";
    TRUSTED_DOCUMENTS: Plain, optional(manifest::read) as Option<HashMap<String, String>>, "",
        "path of a manifest (Apollo or Relay) of documents; if it is set, only these documents are executed",
        "清单文件（manifest，Apollo 或 Relay 格式）的路径；设置后只执行清单中的 GraphQL 文档";
    CORS_ORIGINS: Plain, list(address::browser_origin) as Vec<String>, "",
        "browser origins that may call the API, such as `https://app.example`, with any request headers and without \
         credentials",
        "允许调用 API 的浏览器来源（origin），如 `https://app.example`；可带任意请求头，不使用凭据（credentials）";
    TRUSTED_PROXIES: Plain, whole(address::proxy_networks) as Vec<IpNet>, "",
        "networks whose `X-Forwarded-For` is trusted, such as `10.0.0.0/8`",
        "受信任的代理网段，如 `10.0.0.0/8`；只采信来自这些网段的 `X-Forwarded-For`";
    MEDIA_URL: Plain, one(media_url::media_url) as MediaUrl, "file:media",
        "where avatars are stored: `file:` and a folder (relative to the SQLite file unless it begins with `/`), or \
         `s3://bucket?endpoint=https://…&region=…`",
        "头像的存储位置：`file:` 加文件夹（不以 `/` 开头时相对于 SQLite 文件所在的目录），或 `s3://bucket?endpoint=https://…&region=…`";
    MEDIA_ACCESS_KEY: Secret, optional(media_url::bucket_key) as Option<SecretString>, "",
        "access key of the bucket",
        "存储桶的访问密钥 ID（AccessKey / SecretId）";
    MEDIA_SECRET_KEY: Secret, optional(media_url::bucket_key) as Option<SecretString>, "",
        "secret key of the bucket",
        "存储桶的访问密钥（SecretKey）";
    PUBLIC_URL: Plain, optional(media_url::public_url) as Option<String>, "",
        "URL that clients use, such as `https://api.example`, for the URLs of avatars; without it the URL is taken \
         from each request",
        "客户端使用的 URL，如 `https://api.example`，用于头像的 URL；不设置时取自每个请求";
    REQUESTS_IN_FLIGHT: Plain, one(value::count) as u32, "512",
        "maximum number of concurrent requests, at most half of them from one client address; further requests are \
         refused (`OVERLOADED`)",
        "并发请求数上限，单个客户端地址最多占一半；超出的请求会被拒绝（`OVERLOADED`）";
    SUBSCRIPTIONS: Plain, one(value::count) as u32, "10000",
        "maximum number of concurrent subscription connections, at most half of them from one client address; further \
         ones are refused",
        "并发订阅连接数上限，单个客户端地址最多占一半；超出的连接会被拒绝";
    SUBSCRIPTIONS_PER_USER: Plain, one(value::count) as u32, "10",
        "maximum number of concurrent subscription connections of one user; further ones are refused",
        "每个用户的并发订阅连接数上限；超出的连接会被拒绝";
    CLIENT_TIMEOUT: Plain, one(value::duration) as Duration, "15s",
        "timeout for a client to send the head of a request, and to send its body",
        "客户端发送请求头的时限，以及发送请求体的时限";
    KEEP_ALIVE_TIMEOUT: Plain, one(value::duration) as Duration, "90s",
        "how long an idle connection stays open; `CLIENT_TIMEOUT` if few connections are free",
        "空闲连接的保持时间；可用连接数不足时按 `CLIENT_TIMEOUT` 计算";
    QUERY_BYTES: Plain, one(value::count) as u32, "16384",
        "maximum length of a GraphQL document in bytes",
        "GraphQL 文档的最大长度（字节）";
    QUERY_TOKENS: Plain, one(value::count) as u32, "2000",
        "maximum number of lexical tokens in a document",
        "文档中词法单元（token）的数量上限";
    QUERY_NESTING: Plain, one(value::nesting) as u32, "48",
        "maximum nesting of brackets in a document, up to 64",
        "文档中括号的嵌套层数上限，最大 64";
    QUERY_FIELDS: Plain, one(value::count) as u32, "1000",
        "maximum number of fields and fragments in all operations of a document, with each fragment expanded at each \
         use",
        "文档所有操作的字段数与片段（fragment）数上限，片段在每个使用处展开后计算";
    QUERY_DEPTH: Plain, one(value::count) as u32, "20",
        "maximum nesting of fields in a document, with fragments expanded",
        "文档中字段的嵌套层数上限，片段展开后计算";
    QUERY_ALIASES: Plain, one(value::count) as u32, "30",
        "maximum number of aliases in a document, with fragments expanded",
        "文档的别名数上限，片段展开后计算";
    QUERY_DIRECTIVES: Plain, one(value::count) as u32, "50",
        "maximum number of directives in a document, with fragments expanded",
        "文档的指令（directive）数上限，片段展开后计算";
    QUERY_ROOTS: Plain, one(value::count) as u32, "20",
        "maximum number of root fields in a query, with fragments expanded",
        "查询的根字段数上限，片段展开后计算";
    MUTATION_ROOTS: Plain, one(value::count) as u32, "5",
        "maximum number of root fields in a mutation, with fragments expanded; `login` at most once",
        "变更的根字段数上限，片段展开后计算；`login` 最多一次";
    METRICS_LISTEN: Plain, optional(value::text) as Option<String>, "",
        "address for `/metrics`; no effect in this version",
        "`/metrics` 的监听地址；在此版本中不起作用";
    LOG: Plain, one(value::log_filter) as String, "info",
        "log filter, such as `info,miniaccount=debug`",
        "日志过滤规则，如 `info,miniaccount=debug`";
    LOG_FORMAT: Plain, one(value::log_format) as LogFormat, "text",
        "log format: `text` or `json`",
        "日志格式：`text` 或 `json`";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_variable_is_declared() {
        let documented = "LISTEN DATABASE_URL WECHAT_APP_ID WECHAT_APP_SECRET WECHAT_APPS WECHAT_API_BASE EMULATOR \
            SECRET_KEY ACCESS_TOKEN_TTL REFRESH_TOKEN_TTL SESSION_MAX_AGE GRAPHIQL CORS_ORIGINS TRUSTED_PROXIES \
            LOGIN_RATE_LIMIT REFRESH_RATE_LIMIT TRUSTED_DOCUMENTS REDIS_URL METRICS_LISTEN LOG LOG_FORMAT \
            WECHAT_PUSH_TOKEN WECHAT_PUSH_AES_KEY CONTENT_CHECK CONTENT_CHECK_REVIEW CONTENT_CHECK_UNAVAILABLE \
            CLOUD_HOSTING";
        for name in documented.split_whitespace() {
            assert!(SETTINGS.iter().any(|setting| setting.name == name), "{name}");
        }
    }

    #[test]
    fn every_default_is_valid() {
        for setting in SETTINGS {
            assert_eq!((setting.check)(setting.default), Ok(()), "{}", setting.name);
        }
    }

    #[test]
    fn settings_that_can_hold_a_password_can_come_from_a_file_of_their_own() {
        let secrets = SETTINGS.iter().filter(|setting| setting.kind == Kind::Secret).map(|setting| setting.name);
        let expected = [
            "DATABASE_URL",
            "WECHAT_APP_SECRET",
            "WECHAT_APPS",
            "WECHAT_PUSH_TOKEN",
            "WECHAT_PUSH_AES_KEY",
            "SECRET_KEY",
            "REDIS_URL",
            "MEDIA_ACCESS_KEY",
            "MEDIA_SECRET_KEY",
        ];
        assert_eq!(secrets.collect::<Vec<_>>(), expected);
    }
}
