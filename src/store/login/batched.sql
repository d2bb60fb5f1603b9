-- Writes many logins by one statement. Each login is written completely or not at all; the others are left to the
-- transaction.
--
-- The statement reads a snapshot of its start. A row that may have changed since is read again when it is locked, and a
-- login that finds a change is dropped. Locks are taken in the order of the transaction, the feed's heads last. Before
-- the feed the statement does not wait for a row lock (SKIP LOCKED): such a login is dropped, too. Waits for a key that
-- another transaction inserts, and for the feed, happen in one order, so that statements do not deadlock.
WITH requested AS (
    SELECT * FROM unnest(
        $1::varchar[], $2::varchar[], $3::varchar[], $4::varchar[], $5::bytea[], $6::bigint[], $7::bigint[],
        $8::uuid[], $9::uuid[], $10::uuid[], $11::varchar[], $12::varchar[], $13::varchar[], $14::varchar[],
        $15::bigint[], $16::bytea[], $17::bigint[], $18::bytea[], $19::bigint[]
    ) AS requested (
        app_id, openid, open_platform, unionid, session_key, asked_at, now,
        new_user, new_identity, session_id, device_id, device_name, user_agent, ip_prefix,
        expires_at, code_hash, claimed_until, outcome, outcome_until
    )
), candidates AS MATERIALIZED (
    SELECT requested.*, identities.id AS identity_id, identities.user_id, users.last_login_at,
        -- a subquery uses the index even if the table was small when the statement was planned
        (SELECT user_id FROM union_links
            WHERE union_links.open_platform = requested.open_platform AND union_links.unionid = requested.unionid
        ) AS union_owner
    FROM requested
    LEFT JOIN identities ON identities.app_id = requested.app_id AND identities.openid = requested.openid
    LEFT JOIN users ON users.id = identities.user_id
), locked_users AS MATERIALIZED (
    -- each login changes `last_login_at`: if it is unchanged, no other login has opened or ended sessions since
    SELECT known_users.* FROM (
        SELECT DISTINCT ON (user_id) * FROM candidates
        WHERE user_id IS NOT NULL AND (unionid IS NULL OR union_owner = user_id)
    ) AS known_users
    JOIN users ON users.id = known_users.user_id
    WHERE users.last_login_at = known_users.last_login_at AND users.status = 'ACTIVE'
    FOR NO KEY UPDATE OF users SKIP LOCKED
), surplus_sessions AS MATERIALIZED (
    -- the sessions of the same device, and the oldest of the others beyond the maximum number, at most a hundred
    SELECT locked_users.session_id AS login, ending.id, ending.reason
    FROM locked_users CROSS JOIN LATERAL (
        SELECT sessions.id, 'REPLACED' AS reason FROM sessions
        WHERE locked_users.device_id IS NOT NULL AND sessions.user_id = locked_users.user_id
            AND sessions.ended_at IS NULL AND sessions.expires_at > locked_users.now
            AND sessions.device_id = locked_users.device_id
        UNION ALL (
            SELECT sessions.id, 'EVICTED' FROM sessions
            WHERE sessions.user_id = locked_users.user_id AND sessions.ended_at IS NULL
                AND sessions.expires_at > locked_users.now AND (sessions.device_id = locked_users.device_id) IS NOT TRUE
            ORDER BY sessions.id DESC OFFSET $20 - 1 LIMIT 100
        )
    ) AS ending
), locked_sessions AS MATERIALIZED (
    SELECT surplus_sessions.* FROM surplus_sessions JOIN sessions ON sessions.id = surplus_sessions.id
    WHERE sessions.ended_at IS NULL
    FOR NO KEY UPDATE OF sessions SKIP LOCKED
), accepted AS MATERIALIZED (
    SELECT * FROM locked_users
    WHERE (SELECT count(*) FROM surplus_sessions WHERE login = session_id)
        = (SELECT count(*) FROM locked_sessions WHERE login = session_id)
), new_identities AS (
    -- new users: if a concurrent login inserted the identity first, this login writes nothing
    INSERT INTO identities (id, user_id, app_id, openid, session_key, session_key_at, created_at)
    SELECT new_identity, new_user, app_id, openid, session_key, asked_at, now FROM candidates
    WHERE identity_id IS NULL AND union_owner IS NULL
    ORDER BY app_id, openid
    ON CONFLICT (app_id, openid) DO NOTHING
    RETURNING id
), new_logins AS MATERIALIZED (
    SELECT candidates.* FROM candidates JOIN new_identities ON new_identities.id = candidates.new_identity
), new_union_links AS (
    -- a unionid that was linked since causes an error, which rolls back the whole statement
    INSERT INTO union_links (open_platform, unionid, user_id, created_at)
    SELECT open_platform, unionid, new_user, now FROM new_logins WHERE unionid IS NOT NULL
    ORDER BY open_platform, unionid
    RETURNING user_id
), new_users AS (
    INSERT INTO users (id, status, role, created_at, updated_at, last_login_at)
    SELECT new_user, 'ACTIVE', 'USER', now, now, now FROM new_logins
    RETURNING *
), updated_users AS (
    UPDATE users SET last_login_at = GREATEST(now, users.last_login_at + 1)
    FROM accepted WHERE users.id = accepted.user_id
    RETURNING users.*, session_id, identity_id
), updated_identities AS (
    UPDATE identities SET
        previous_session_key = CASE WHEN identities.session_key = accepted.session_key
            THEN identities.previous_session_key ELSE identities.session_key END,
        session_key = accepted.session_key,
        session_key_at = asked_at
    FROM accepted WHERE identities.id = accepted.identity_id AND identities.session_key_at < asked_at
    RETURNING identities.id
), new_sessions AS (
    INSERT INTO sessions (id, user_id, identity_id, refresh_generation, device_id, device_name, user_agent, ip_prefix,
        created_at, last_used_at, expires_at)
    SELECT session_id, user_id, identity_id, 0, device_id, device_name, user_agent, ip_prefix, now, now, expires_at
    FROM accepted
    UNION ALL
    SELECT session_id, new_user, new_identity, 0, device_id, device_name, user_agent, ip_prefix, now, now, expires_at
    FROM new_logins
), stored_outcomes AS (
    -- updates the claim if it is still valid; as an upsert it finds the row by its key, whatever the size of the table
    INSERT INTO code_exchanges (code_hash, outcome, expires_at)
    SELECT code_hash, outcome, outcome_until FROM (
        SELECT code_hash, claimed_until, outcome, outcome_until FROM accepted
        UNION ALL
        SELECT code_hash, claimed_until, outcome, outcome_until FROM new_logins
    ) AS login
    WHERE claimed_until = (SELECT expires_at FROM code_exchanges WHERE code_exchanges.code_hash = login.code_hash)
    ON CONFLICT (code_hash) DO UPDATE SET outcome = excluded.outcome, expires_at = excluded.expires_at
), ended_sessions AS MATERIALIZED (
    UPDATE sessions SET ended_at = accepted.now, end_reason = locked_sessions.reason
    FROM locked_sessions JOIN accepted ON accepted.session_id = locked_sessions.login
    WHERE sessions.id = locked_sessions.id
    RETURNING sessions.id, sessions.user_id, end_reason, ended_at,
        get_byte(uuid_send(sessions.user_id), 15) % 16 AS lane
), changed_lanes AS MATERIALIZED (
    -- the counts only force the order of evaluation: a statement that waits for the feed waits for nothing else
    SELECT lane, count(*) AS count FROM ended_sessions
    WHERE (SELECT count(*) FROM new_union_links) + (SELECT count(*) FROM updated_identities)
        + (SELECT count(*) FROM new_identities) >= 0
    GROUP BY lane
), locked_heads AS MATERIALIZED (
    SELECT feed_heads.lane FROM feed_heads WHERE feed_heads.lane IN (SELECT lane FROM changed_lanes)
    ORDER BY feed_heads.lane
    FOR NO KEY UPDATE
), moved_heads AS MATERIALIZED (
    UPDATE feed_heads SET position = feed_heads.position + changed_lanes.count
    FROM locked_heads JOIN changed_lanes ON changed_lanes.lane = locked_heads.lane
    WHERE feed_heads.lane = locked_heads.lane
    RETURNING feed_heads.lane, feed_heads.position - changed_lanes.count AS before
), feed_rows AS (
    INSERT INTO feed (lane, position, user_id, kind, session_id, end_reason, created_at)
    SELECT moved_heads.lane,
        moved_heads.before + row_number() OVER (
            PARTITION BY moved_heads.lane ORDER BY ended_sessions.user_id, end_reason DESC, ended_sessions.id
        ),
        ended_sessions.user_id, 'SESSION_ENDED', ended_sessions.id, end_reason, ended_at
    FROM ended_sessions JOIN moved_heads ON moved_heads.lane = ended_sessions.lane
)
SELECT * FROM updated_users
UNION ALL
SELECT new_users.*, NULL, NULL FROM new_users
