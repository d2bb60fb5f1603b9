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
        "address of the API; port 0 picks a free one and logs it",
        "API 的监听地址；端口为 0 时自动选择空闲端口，并写入日志";
    DATABASE_URL: Secret, one(str::parse) as DatabaseUrl, "sqlite://miniaccount.db?mode=rwc",
        "address of the database: `sqlite:`, `postgres:` or `mysql:`",
        "数据库地址：`sqlite:`、`postgres:` 或 `mysql:`";
    DATABASE_CONNECTIONS: Plain, one(value::count) as u32, "16",
        "connections to the database that one process may hold open",
        "一个进程最多保持的数据库连接数（连接池上限）";
    WECHAT_APP_ID: Plain, optional(credential::app_id) as Option<String>, "",
        "AppID of the mini program; without one the emulator plays WeChat",
        "小程序的 AppID；未配置小程序时由模拟器扮演微信";
    WECHAT_APP_SECRET: Secret, optional(credential::app_secret) as Option<SecretString>, "",
        "AppSecret of the mini program",
        "小程序的 AppSecret";
    WECHAT_APPS: Secret, list(credential::app) as Vec<(String, SecretString)>, "",
        "more mini programs: `appid:secret,appid:secret`",
        "更多小程序：`appid:secret,appid:secret`";
    OPEN_PLATFORMS: Table, whole(value::open_platforms) as BTreeMap<String, String>, "",
        "name of the open-platform account of each mini program, where not all share one: `appid:name,appid:name`",
        "各小程序绑定的微信开放平台账号的名称，仅当并非全部绑定同一账号时需要：`appid:name,appid:name`";
    WECHAT_API_BASE: Plain, list(address::wechat_host) as Vec<String>,
        "https://api.weixin.qq.com,https://api2.weixin.qq.com",
        "hosts of WeChat's API, in order of preference",
        "微信服务端 API 的域名，按优先顺序排列";
    WECHAT_CONNECT_TIMEOUT: Plain, one(value::duration) as Duration, "2s",
        "how long a connection to WeChat may take",
        "与微信建立连接的超时";
    WECHAT_TIMEOUT: Plain, one(value::duration) as Duration, "5s",
        "how long an answer of WeChat may take, with the connection",
        "等待微信响应的超时（含建立连接的时间）";
    WECHAT_CALLS_IN_FLIGHT: Plain, one(value::count) as u32, "64",
        "concurrent calls to WeChat for each mini program",
        "每个小程序同时调用微信的上限";
    WECHAT_PUSH_TOKEN: Secret, optional(credential::push_token) as Option<SecretString>, "",
        "token of the message push, as entered at WeChat for `/wechat/push/{appid}`; without one there is no such route, unless the emulator plays WeChat",
        "消息推送的 Token，与微信后台为 `/wechat/push/{appid}` 填写的一致；不设置且不使用模拟器时没有这个路径";
    WECHAT_PUSH_AES_KEY: Secret, optional(credential::push_aes_key) as Option<SecretSlice<u8>>, "",
        "EncodingAESKey of the message push, 43 characters; needed for encrypted messages",
        "消息推送的 EncodingAESKey，43 个字符；加密消息需要";
    CONTENT_CHECK: Plain, one(value::content_check) as ContentCheck, "off",
        "what WeChat's content check of nicknames and uploaded pictures decides: `off`, `flag` (kept, flagged for `miniaccount \
         admin flagged`) or `enforce` (refused)",
        "微信内容安全检测对昵称和上传的头像的作用：`off`（不检测）、`flag`（保留并标记，见 `miniaccount admin flagged`）或 `enforce`（拒绝）";
    CONTENT_CHECK_REVIEW: Plain, one(value::keep) as bool, "keep",
        "with `enforce`, what WeChat wants a person to review: `keep` (and flag) or `refuse`",
        "`enforce` 时，微信建议人工审核的内容：`keep`（保留并标记）或 `refuse`（拒绝）";
    CONTENT_CHECK_UNAVAILABLE: Plain, one(value::keep) as bool, "keep",
        "with `enforce`, what WeChat could not check: `keep` (and flag) or `refuse`",
        "`enforce` 时，微信未能检测的内容：`keep`（保留并标记）或 `refuse`（拒绝）";
    CLOUD_HOSTING: Plain, one(value::boolean) as bool, "false",
        "`true` trusts `X-WX-OPENID` and the headers beside it, with which WeChat cloud hosting says who calls: it must be the \
         only way to this server",
        "设为 `true` 时，信任微信云托管用来标明调用者的 `X-WX-OPENID` 等请求头：云托管必须是访问本服务的唯一途径";
    EMULATOR: Plain, optional(value::boolean) as Option<bool>, "",
        "`true` starts the emulator although a database server, a proxy or a public address is configured",
        "设为 `true` 时，即使配置了数据库服务器、反向代理或公网地址，也启动模拟器";
    SECRET_KEY: Secret, list(credential::key) as Vec<SecretSlice<u8>>, "",
        "32 or more random bytes in base64; to rotate it, several, newest first, separated by commas",
        "至少 32 字节的随机数据，base64 编码；轮换密钥时填写多个，新的在前，以逗号分隔";
    ACCESS_TOKEN_TTL: Plain, one(value::duration) as Duration, "2h",
        "lifetime of an access token",
        "访问令牌的有效期";
    REFRESH_TOKEN_TTL: Plain, one(value::duration) as Duration, "30d",
        "how long a session lives without a refresh",
        "会话不刷新时的有效期";
    SESSION_MAX_AGE: Plain, one(value::duration) as Duration, "180d",
        "how long a session lives at most",
        "会话从登录起的最长有效期";
    SESSIONS_PER_USER: Plain, one(value::count) as u32, "20",
        "live sessions of one user; one more ends the oldest",
        "每个用户的有效会话数上限；超出时结束最早的会话";
    SESSIONS_CACHED: Plain, one(value::count) as u32, "50000",
        "sessions cached in memory, at about 1 KB each; a request with a cached session needs no database query",
        "内存中缓存的会话数，每个约 1 KB；命中缓存的请求无需查询数据库";
    SESSIONS_KEPT: Plain, one(value::duration) as Duration, "7d",
        "how long the row of a session is kept, with the reason, after it ended or expired",
        "会话结束或过期后，其记录（及结束原因）的保留时间";
    DELETION_GRACE: Plain, one(value::duration) as Duration, "15d",
        "how long after asking for it an account is deleted; until then its user may cancel",
        "申请注销账号后多久删除；在此之前用户可以撤销";
    LOGIN_REPEAT_WINDOW: Plain, one(value::duration_or_off) as Duration, "10s",
        "how long a repeated code gets the same session and tokens, or the same refusal, on every node; `off` \
         stores no outcome",
        "在多长时间内，向任一节点重复提交同一个 code 会得到同样的会话和令牌，或同样的拒绝结果；`off` 表示不保留结果";
    PHONE_JOINS_ACCOUNTS: Plain, one(value::boolean) as bool, "false",
        "`true` lets a first login whose phone number WeChat confirms join the account that has the number",
        "设为 `true` 时，首次登录若其手机号（经微信验证）已属于某个账号，则并入该账号";
    LOGIN_RATE_LIMIT: Plain, one(value::rate) as Option<Rate>, "600/min",
        "logins for each client address (IPv6: each /64, and four times as many for each /48); `off` for load tests",
        "每个客户端地址的登录限流（IPv6 按 /64 计，同时按 /48 计，后者为四倍）；压测时设为 `off`";
    REFRESH_RATE_LIMIT: Plain, one(value::rate) as Option<Rate>, "600/min",
        "refreshes for each client address, counted likewise",
        "每个客户端地址的刷新限流，计算方式同上";
    APP_LOGIN_RATE_LIMIT: Plain, one(value::rate) as Option<Rate>, "30000/min",
        "logins for each mini program; off where `LOGIN_RATE_LIMIT` is off",
        "每个小程序的登录限流；`LOGIN_RATE_LIMIT` 关闭时随之关闭";
    USER_RATE_LIMIT: Plain, one(value::rate) as Option<Rate>, "600/min",
        "logins, refreshes and profile changes of one user; off where `LOGIN_RATE_LIMIT` is off",
        "每个用户的登录、刷新和资料修改限流；`LOGIN_RATE_LIMIT` 关闭时随之关闭";
    AVATAR_RATE_LIMIT: Plain, one(value::rate) as Option<Rate>, "30/h",
        "pictures that one user uploads; off where `LOGIN_RATE_LIMIT` is off",
        "每个用户的头像上传限流；`LOGIN_RATE_LIMIT` 关闭时随之关闭";
    REDIS_URL: Secret, optional(address::redis) as Option<SecretString>, "",
        "Redis in which all nodes count logins and refreshes together, `redis:` or `rediss:` (TLS); without one each \
         node counts its own",
        "让多个节点共同统计登录与刷新次数的 Redis，`redis:` 或 `rediss:`（TLS）；不设置时各节点分别计数";
    GRAPHIQL: Plain, optional(value::boolean) as Option<bool>, "",
        "the explorer and introspection: `true` or `false`; on with the emulator, else off",
        "调试台和内省（introspection）：`true` 或 `false`；使用模拟器时默认开启，否则关闭";
    TRUSTED_DOCUMENTS: Plain, optional(manifest::read) as Option<HashMap<String, String>>, "",
        "path of a manifest, Apollo's or Relay's, of the only documents that may run",
        "清单文件（manifest，Apollo 或 Relay 格式）的路径；设置后只执行清单中的 GraphQL 文档";
    CORS_ORIGINS: Plain, list(address::browser_origin) as Vec<String>, "",
        "browser origins that may call, such as `https://app.example`, with any request headers and \
         without credentials",
        "允许调用的浏览器来源（origin），如 `https://app.example`；可带任意请求头，不使用凭据模式";
    TRUSTED_PROXIES: Plain, whole(address::proxy_networks) as Vec<IpNet>, "",
        "networks whose `X-Forwarded-For` is trusted, such as `10.0.0.0/8`",
        "受信任的代理网段，如 `10.0.0.0/8`；只采信来自这些网段的 `X-Forwarded-For`";
    MEDIA_URL: Plain, one(media_url::media_url) as MediaUrl, "file:media",
        "where avatars are stored: `file:` and a folder, beside the SQLite file unless it begins with `/`, or \
         `s3://bucket?endpoint=https://…&region=…`",
        "头像的存放位置：`file:` 加文件夹（不以 `/` 开头时位于 SQLite 文件旁），或 `s3://bucket?endpoint=https://…&region=…`";
    MEDIA_ACCESS_KEY: Secret, optional(media_url::bucket_key) as Option<SecretString>, "",
        "access key of the bucket",
        "存储桶的访问密钥 ID（AccessKey / SecretId）";
    MEDIA_SECRET_KEY: Secret, optional(media_url::bucket_key) as Option<SecretString>, "",
        "secret key of the bucket",
        "存储桶的访问密钥（SecretKey）";
    PUBLIC_URL: Plain, optional(media_url::public_url) as Option<String>, "",
        "the address that clients use, such as `https://api.example`, for the addresses of avatars; without one it is \
         taken from each request",
        "客户端使用的地址，如 `https://api.example`，用于头像地址；不设置时取自每个请求";
    REQUESTS_IN_FLIGHT: Plain, one(value::count) as u32, "512",
        "concurrent requests, at most half of them from one client address; one more is refused (`OVERLOADED`)",
        "同时处理的请求数上限，单个客户端地址最多占一半；超出时拒绝（`OVERLOADED`）";
    SUBSCRIPTIONS: Plain, one(value::count) as u32, "10000",
        "concurrent connections of subscribers, at most half of them from one client address; one more is refused",
        "同时保持的订阅连接数上限，单个客户端地址最多占一半；超出时拒绝";
    SUBSCRIPTIONS_PER_USER: Plain, one(value::count) as u32, "10",
        "concurrent connections of one subscriber; one more is refused",
        "每个用户的订阅连接数上限；超出时拒绝";
    CLIENT_TIMEOUT: Plain, one(value::duration) as Duration, "15s",
        "how long a client may take to send the head of a request, and to send its body",
        "客户端发送请求头的时限，以及发送请求体的时限";
    KEEP_ALIVE_TIMEOUT: Plain, one(value::duration) as Duration, "90s",
        "how long an idle connection stays open; `CLIENT_TIMEOUT` where connections are scarce",
        "空闲连接的保持时间；连接紧张时按 `CLIENT_TIMEOUT` 计算";
    QUERY_BYTES: Plain, one(value::count) as u32, "16384",
        "length of a GraphQL document in bytes",
        "GraphQL 文档的最大长度（字节）";
    QUERY_TOKENS: Plain, one(value::count) as u32, "2000",
        "lexical tokens of a document",
        "文档中词法单元（token）的数量上限";
    QUERY_NESTING: Plain, one(value::nesting) as u32, "48",
        "nesting of brackets in a document, at most 64",
        "文档中括号的嵌套层数上限，最大 64";
    QUERY_FIELDS: Plain, one(value::count) as u32, "1000",
        "fields and fragments of all operations of a document, with each fragment expanded wherever it is used",
        "文档所有操作的字段数与片段（fragment）数上限，片段在每个使用处展开后计算";
    QUERY_DEPTH: Plain, one(value::count) as u32, "20",
        "nesting of fields in a document, with fragments expanded",
        "文档中字段的嵌套层数上限，片段展开后计算";
    QUERY_ALIASES: Plain, one(value::count) as u32, "30",
        "aliases in a document, with fragments expanded",
        "文档的别名数上限，片段展开后计算";
    QUERY_DIRECTIVES: Plain, one(value::count) as u32, "50",
        "directives in a document, with fragments expanded",
        "文档的指令（directive）数上限，片段展开后计算";
    QUERY_ROOTS: Plain, one(value::count) as u32, "20",
        "root fields of a query, with fragments expanded",
        "查询的根字段数上限，片段展开后计算";
    MUTATION_ROOTS: Plain, one(value::count) as u32, "5",
        "root fields of a mutation, with fragments expanded; `login` at most once",
        "变更的根字段数上限，片段展开后计算；`login` 最多一次";
    METRICS_LISTEN: Plain, optional(value::text) as Option<String>, "",
        "address for `/metrics`; no effect in this version",
        "`/metrics` 的监听地址；在此版本中不起作用";
    LOG: Plain, one(value::log_filter) as String, "info",
        "filter of the log, such as `info,miniaccount=debug`",
        "日志过滤规则，如 `info,miniaccount=debug`";
    LOG_FORMAT: Plain, one(value::log_format) as LogFormat, "text",
        "format of the log: `text` or `json`",
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
            WECHAT_PUSH_TOKEN WECHAT_PUSH_AES_KEY CONTENT_CHECK CONTENT_CHECK_REVIEW CONTENT_CHECK_UNAVAILABLE CLOUD_HOSTING";
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
