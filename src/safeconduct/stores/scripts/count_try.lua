-- KEYS: one log of tries a counter, each scored by when it no longer counts.  ARGV: shift, try, (limit, window_ms)…
-- A log and not a count: at the seam of two windows twice the limit would pass.
-- A try is under way from when it is counted until it is given back, or noted as failed by one byte more behind its
-- name (all have one length), or nothing was heard of it for so long.
local under_way_ms, most = 10000, 1000

-- When a full counter opens: if tries under way fill it, once the first of them must be over.
local function opens(key, tries, limit, window)
  local young = redis.call('ZRANGEBYSCORE', key, '(' .. int(now + window - under_way_ms), '+inf', 'WITHSCORES', 'LIMIT', 0, most)
  local first
  for i = 1, #young, 2 do
    if string.len(young[i]) == string.len(ARGV[2]) then
      tries = tries - 1
      first = first or tonumber(young[i + 1])
    end
  end
  if first and tries < limit then
    return math.min(math.max(1, first - window + under_way_ms - now), under_way_ms)
  end
  return nil
end

local wait = 0
for i, key in ipairs(KEYS) do
  local limit, window = tonumber(ARGV[1 + 2 * i]), tonumber(ARGV[2 + 2 * i])
  redis.call('ZREMRANGEBYSCORE', key, '-inf', int(now))
  -- A try that is there already was counted by a command whose reply was lost.
  if not redis.call('ZSCORE', key, ARGV[2]) then
    local tries = redis.call('ZCARD', key)
    if tries >= limit then
      local frees = opens(key, tries, limit, window)
      if not frees then
        local freed = redis.call('ZRANGE', key, tries - limit, tries - limit, 'WITHSCORES')
        frees = math.min(tonumber(freed[2]) - now, window)
      end
      wait = math.max(wait, frees)
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
