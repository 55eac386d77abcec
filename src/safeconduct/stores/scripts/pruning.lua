-- Forget expired entries: every script that writes forgets some, so that the sets do not grow.
local has_pruned = false
local function prune()
  if has_pruned then
    return
  end
  has_pruned = true
  local before = '(' .. int(math.floor(now / 1000) - 60)
  local old = redis.call('ZRANGEBYSCORE', rev, '(-inf', before, 'WITHSCORES', 'LIMIT', 0, 100)
  if #old == 0 then
    return
  end
  local forgotten = {}
  for i = 1, #old, 2 do
    forgotten[#forgotten + 1] = old[i]
    pruned_s = math.max(pruned_s, tonumber(old[i + 1]))
  end
  redis.call('HSET', meta, 'pruned_s', int(pruned_s))
  redis.call('ZREM', rev, unpack(forgotten))
  redis.call('ZREM', cut, unpack(forgotten))
end
