-- Write a mark or a cut-off.  ARGV: shift, horizon, "1" for a mark, revocation key, expires_ms or "", lives_ms or "",
-- margin_ms, length of the log
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
return reply(before, 0)
