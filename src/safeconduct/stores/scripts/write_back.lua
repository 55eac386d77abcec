-- Write revocations that the data has lost again, as they were.  ARGV: shift, horizon, length of the log, and of each:
-- revocation key, before_ms or -1 for a mark, expiry in seconds or "+inf"
if not fields[1] then
  return reply(0, 0)
end
update_horizon()
prune()
local written = 0
for i = 4, #ARGV, 3 do
  local key, before, expiry = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if expiry == '+inf' or tonumber(expiry) >= math.floor(now / 1000) - 60 then
    local changed = redis.call('ZADD', rev, 'GT', 'CH', expiry, key)
    if before ~= '-1' then
      changed = changed + redis.call('ZADD', cut, 'GT', 'CH', before, key)
    end
    if changed > 0 then
      log_change(key, before, expiry, ARGV[3])
      written = written + 1
    end
  end
end
return reply(written, 0)
