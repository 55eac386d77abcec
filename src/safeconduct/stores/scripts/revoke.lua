-- Write a mark or a cut-off.  ARGV: shift, horizon, "1" for a mark, revocation key, expires_ms or "", lives_ms or "",
-- margin_ms, length of the log; and if API keys of an owner, KEYS[5], end with it: the number of the one key, or "" for
-- all of them, and then their revocation key
if not fields[1] then
  return reply(-1, 0)
end
update_horizon()
local key = ARGV[4]

prune()

local expiry = '+inf'
if ARGV[5] ~= '' then
  expiry = int(math.ceil(tonumber(ARGV[5]) / 1000))
elseif ARGV[6] ~= '' then
  expiry = int(math.ceil((now + math.max(horizon, tonumber(ARGV[6])) + tonumber(ARGV[7])) / 1000))
end
local changed = redis.call('ZADD', rev, 'GT', 'CH', expiry, key)
local before = -1
if ARGV[3] ~= '1' then
  before = math.max(now, last_issued, tonumber(redis.call('ZSCORE', cut, key) or 0))
  changed = changed + redis.call('ZADD', cut, 'GT', 'CH', int(before), key)
end
if changed > 0 then
  log_change(key, before, expiry, ARGV[8])
else
  -- Some servers wait for the replicas only after a write of the same connection.
  redis.call('HSET', meta, 'beat', int(now))
end

-- An API key may outlive the entry that revokes it.
if KEYS[5] and ARGV[9] ~= '' then
  redis.call('HDEL', KEYS[5], ARGV[9], ARGV[9] .. ':')
elseif KEYS[5] then
  local flat = redis.call('HGETALL', KEYS[5])
  for i = 1, #flat, 2 do
    -- Another owner may have the same part of an id.
    if #flat[i + 1] == 64 and string.sub(flat[i + 1], 33, 49) == ARGV[10] then
      redis.call('HDEL', KEYS[5], flat[i], flat[i] .. ':')
    end
  end
  redis.call('ZADD', cut, 'GT', int(before), ARGV[10])
  redis.call('ZADD', rev, 'GT', expiry, ARGV[10])
  log_change(ARGV[10], before, expiry, ARGV[8])
elseif string.sub(key, 1, 1) == 'e' then
  redis.call('HSET', meta, 'keys:' .. key, int(before))
end
return reply(before, 0)
