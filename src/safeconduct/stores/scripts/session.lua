-- Before every script on one session.  KEYS[5]: its record.  KEYS[6]: its owner's index, session → when it is over.
-- ARGV: shift, horizon, session, leeway_ms, margin_ms, length of the log, how many cuts, cuts (its own first), the
-- script's own arguments
if not fields[1] then
  return reply('gone', 0)
end
local key, index, id = KEYS[5], KEYS[6], ARGV[3]
local own = 7 + tonumber(ARGV[7])
local session, changes = {}, {}
local flat = redis.call('HGETALL', key)
for i = 1, #flat, 2 do
  session[flat[i]] = flat[i + 1]
end

local function argument(place)
  return ARGV[own + place]
end

local function number(name)
  return tonumber(session[name] or 0)
end

local function latest_cut()
  local latest = -1
  for i = 8, own do
    latest = math.max(latest, tonumber(redis.call('ZSCORE', cut, ARGV[i]) or -1))
  end
  return latest
end

local function is_gone()
  if not session.issued or now >= number('ends') or now >= number('over') or latest_cut() >= number('issued') then
    return true
  end
  -- Older than what the store knows: what has ended it since may be lost.
  return is_unknown(number('issued'))
end

-- The instant of a new token: after every cut-off that would meet it, and after the epoch began.
local function stamp()
  prune()
  local iat = math.max(now, tonumber(fields[2]) + 1, latest_cut() + 1)
  if iat > stamped then
    redis.call('HSET', meta, 'stamped', int(iat))
    stamped = iat
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

-- Rights that changed make tokens against forgery of requests stale.
local function take_rights(rights)
  if rights ~= '' and rights ~= session.rights then
    put('rights', rights)
    put('csrf', number('csrf') + 1)
  end
end

-- A token was issued at iat, which lives for so many ms at most.
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
  -- First what may be refused for want of memory: then nothing has happened.
  cut_off(ARGV[8], session.ends and number('ends') or now + lives, ARGV[5], ARGV[6])
  redis.call('DEL', key)
  redis.call('ZREM', index, id)
end

local function told(outcome, iat, is_rolled_back)
  local said = reply(outcome, iat or 0)
  said[9] = redis.call('HGETALL', key)
  said[10] = is_rolled_back and 1 or 0
  return said
end

keep_horizon()
if session.salt and now >= number('grace') then
  redis.call('HDEL', key, 'salt')
  session.salt = nil
end
