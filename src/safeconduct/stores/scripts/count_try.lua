-- Count a try in every counter and return 0, or in none and return how many ms to wait.
-- KEYS: for each counter a log of its tries, each scored by when it stops counting.
-- ARGV: shift, id of the try, then for each counter its limit and window_ms.
-- The log is a sliding window; a fixed one would let twice the limit through around its end.  A try is under way until
-- it is given back, or marked as failed by one more byte after its id (all ids have the same length), or under_way_ms
-- have passed.
local under_way_ms, most = 10000, 1000

-- How long a full counter is to wait for the first of its tries under way; nil if failed tries alone fill it.
local function wait_for_first(key, tries, limit, window)
  local since = '(' .. int(now + window - under_way_ms)
  local young = redis.call('ZRANGEBYSCORE', key, since, '+inf', 'WITHSCORES', 'LIMIT', 0, most)
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
  -- A try that is in the log already was counted by a command whose reply was lost.
  if not redis.call('ZSCORE', key, ARGV[2]) then
    local tries = redis.call('ZCARD', key)
    if tries >= limit then
      local frees = wait_for_first(key, tries, limit, window)
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
