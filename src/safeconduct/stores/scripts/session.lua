-- Prepended to every script on one session.  KEYS[5]: the session's hash.  KEYS[6]: the index of its owner: session id
-- → when it is over.  ARGV: shift, horizon, session id, leeway_ms, margin_ms, length of the log, the earliest
-- iat_ms of a new token, number of cut-offs, their keys (the session's own first), the script's own arguments
if not fields[1] then
  return reply('gone', 0)
end
local key, index, id = KEYS[5], KEYS[6], ARGV[3]
local before_own = 8 + tonumber(ARGV[8])
local session, changes = {}, {}
local flat = redis.call('HGETALL', key)
for i = 1, #flat, 2 do
  session[flat[i]] = flat[i + 1]
end

local function argument(number)
  return ARGV[before_own + number]
end

local function number(name)
  return tonumber(session[name] or 0)
end

local function latest_cut()
  local latest = -1
  for i = 9, before_own do
    latest = math.max(latest, tonumber(redis.call('ZSCORE', cut, ARGV[i]) or -1))
  end
  return latest
end

local function is_gone()
  if not session.issued or now >= number('ends') or now >= number('over') or latest_cut() >= number('issued') then
    return true
  end
  -- Older than what the store knows: what revoked it since may be lost.
  return is_unknown(number('issued'))
end

-- The iat_ms of a new token: after the epoch began and every cut-off that would revoke it, of the store or of the
-- account.
local function issue_time()
  prune()
  local iat = math.max(now, tonumber(fields[2]) + 1, latest_cut() + 1, tonumber(ARGV[7]))
  if iat > last_issued then
    redis.call('HSET', meta, 'stamped', int(iat))
    last_issued = iat
  end
  return iat
end

local function put(name, value)
  if type(value) == 'number' then
    value = int(value)
  end
  session[name] = value
  changes[#changes + 1] = name
  changes[#changes + 1] = value
end

-- Rights that changed invalidate the session's CSRF tokens.
local function take_rights(rights)
  if rights ~= '' and rights ~= session.rights then
    put('rights', rights)
    put('csrf', number('csrf') + 1)
  end
end

-- An access token was issued at iat, which lives for access ms at most.
local function issue(iat, access)
  put('issued', iat)
  put('used', now)
  local token = math.min(iat + access, number('ends')) + tonumber(ARGV[4])
  put('over', math.max(number('over'), token, number('expires')))
end

local function keep()
  redis.call('HSET', key, unpack(changes))
  local left = number('over') - now + tonumber(ARGV[5])
  redis.call('PEXPIRE', key, int(left))
  redis.call('ZADD', index, int(number('over')), id)
  if redis.call('PTTL', index) < left then
    redis.call('PEXPIRE', index, int(left))
  end
end

local function drop(lives)
  -- What may be refused for lack of memory comes first, so that nothing has happened then.
  cut_off(ARGV[9], session.ends and number('ends') or now + lives, ARGV[5], ARGV[6])
  redis.call('DEL', key)
  redis.call('ZREM', index, id)
end

local function session_reply(outcome, iat, is_rolled_back)
  local result = reply(outcome, iat or 0)
  result[9] = redis.call('HGETALL', key)
  result[10] = is_rolled_back and 1 or 0
  return result
end

update_horizon()
if session.salt and now >= number('grace') then
  redis.call('HDEL', key, 'salt')
  session.salt = nil
end
