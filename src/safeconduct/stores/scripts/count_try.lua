-- KEYS: one log of tries a counter, each scored by when it no longer counts.  ARGV: shift, try, (limit, window_ms)…
-- A log and not a count: at the seam of two windows twice the limit would pass.
local wait = 0
for i, key in ipairs(KEYS) do
  local limit, window = tonumber(ARGV[1 + 2 * i]), tonumber(ARGV[2 + 2 * i])
  redis.call('ZREMRANGEBYSCORE', key, '-inf', int(now))
  -- A try that is there already was counted by a command whose reply was lost.
  if not redis.call('ZSCORE', key, ARGV[2]) then
    local tries = redis.call('ZCARD', key)
    if tries >= limit then
      local freed = redis.call('ZRANGE', key, tries - limit, tries - limit, 'WITHSCORES')
      wait = math.max(wait, math.min(tonumber(freed[2]) - now, window))
    end
  end
end
if wait > 0 then
  return wait
end
for i, key in ipairs(KEYS) do
  local window = tonumber(ARGV[2 + 2 * i])
  redis.call('ZADD', key, 'NX', int(now + window), ARGV[2])
  redis.call('PEXPIRE', key, int(window))
end
return 0
