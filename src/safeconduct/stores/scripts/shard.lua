-- Before every script on a shard.  ARGV[2] is the caller's horizon in milliseconds.
local rev, cut, log, meta = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local fields = redis.call('HMGET', meta,
  'epoch', 'epoch_ms', 'reason', 'horizon', 'horizon_until', 'pruned_s', 'stamped', 'head')
local own_horizon = tonumber(ARGV[2])
local horizon = tonumber(fields[4] or 0)
local horizon_until = tonumber(fields[5] or 0)
local pruned_s = tonumber(fields[6] or -1)
local stamped = tonumber(fields[7] or 0)

-- The horizon is the largest that anybody has, and shrinks only when nobody has confirmed it for a whole horizon.
local function keep_horizon()
  if own_horizon > horizon or now > horizon_until then
    horizon = own_horizon
    redis.call('HSET', meta, 'horizon', int(horizon), 'horizon_until', int(now + horizon))
  elseif own_horizon == horizon and horizon_until < now + horizon / 2 then
    -- May fail for want of memory: reading goes on, and half a horizon is left.
    redis.pcall('HSET', meta, 'horizon_until', int(now + horizon))
  end
end

-- What every reply begins with.
local function reply(first, second)
  if not fields[1] then
    return {'', 0, '', 0, redis.call('EXISTS', rev, cut, log, meta) == 0 and 1 or 0, now, first, second}
  end
  return {fields[1], tonumber(fields[2]), fields[3], horizon, 0, now, first, second}
end
