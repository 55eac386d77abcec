-- Before every script on a shard.  ARGV[2] is the caller's horizon in milliseconds.  At the end of ARGV, behind the
-- script's own arguments: epoch, line and head as the caller knows them, the tag and issued_ms of the own token that it
-- asks about ("" for none), 16 random bytes; then what its connection knows of the server: the run, its start in
-- milliseconds, "1" if it has an append-only file, "1" if it was asked just now.
local rev, cut, log, meta = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local asked_epoch, asked_line, asked_head, asked_tag, asked_issued, drawn, run, run_began, has_aof, is_confirmed =
  unpack(ARGV, #ARGV - 9, #ARGV)
for i = #ARGV, #ARGV - 9, -1 do
  ARGV[i] = nil
end

local fields = redis.call('HMGET', meta,
  'epoch', 'epoch_ms', 'reason', 'horizon', 'horizon_until', 'pruned_s', 'stamped', 'head',
  'line', 'run', 'run_before', 'beat')
local own_horizon = tonumber(ARGV[2])
local horizon = tonumber(fields[4] or 0)
local horizon_until = tonumber(fields[5] or 0)
local pruned_s = tonumber(fields[6] or -1)
local stamped = tonumber(fields[7] or 0)
local witness, is_old_run = '', 0

-- A replica lags behind its primary, and a primary may become one at any time: this changes nothing, and is refused
-- there.  Other refusals (no memory, no replicas, a full disk) say nothing against reading.  It must be a command that
-- wants memory: after one that does not, a script's further writes are not held back where memory is full.
local refused = redis.pcall('ZADD', rev, 'XX', 0, '')
if type(refused) == 'table' and refused.err and string.find(refused.err, 'READONLY', 1, true) then
  return redis.error_reply('READONLY the store is a replica')
end

-- The data is a past state of itself: another epoch begins, in which nothing from before counts.
local function lose(why, issued)
  fields[1] = redis.sha1hex('epoch' .. drawn)
  fields[2] = int(math.max(now, stamped, tonumber(fields[2]), issued))
  fields[3], witness = 'lost', why
  redis.call('HSET', meta, 'epoch', fields[1], 'epoch_ms', fields[2], 'reason', 'lost')
end

-- What an own token proves by having been issued at this instant, in the epoch that its session's id has the tag of.
local function weigh(tag, issued)
  if not fields[1] or #tag ~= 8 or string.byte(tag) < 128 then
    return
  end
  local began = tonumber(fields[2])
  if issued > math.max(stamped, began) then
    lose('token', issued)
  elseif fields[3] == 'new' and issued <= began then
    local digest = redis.sha1hex(fields[1])
    local own = string.char(128 + tonumber(string.sub(digest, 1, 2), 16) % 128)
    for i = 3, 15, 2 do
      own = own .. string.char(tonumber(string.sub(digest, i, i + 1), 16))
    end
    if tag ~= own then
      -- What was issued in this epoch is this store's own, so its beginning stays.
      fields[3], witness = 'lost', 'token'
      redis.call('HSET', meta, 'reason', 'lost')
    end
  end
end

-- The horizon is the largest that anybody has, and shrinks only when nobody has confirmed it for a whole horizon.
local function keep_horizon()
  if own_horizon > horizon or now > horizon_until then
    horizon = own_horizon
    redis.call('HSET', meta, 'horizon', int(horizon), 'horizon_until', int(now + horizon))
  elseif own_horizon == horizon and horizon_until < now + horizon / 2 then
    -- May fail for want of memory: reading goes on, and half a horizon is left.
    redis.pcall('HSET', meta, 'horizon_until', int(now + horizon))
  end
  -- So that a replica that takes over has something newer than its own start; may fail as above.
  if now >= tonumber(fields[12] or 0) + 10000 then
    redis.pcall('HSET', meta, 'beat', int(now))
  end
end

-- What every reply begins with.
local function reply(first, second)
  if not fields[1] then
    return {'', 0, '', 0, redis.call('EXISTS', rev, cut, log, meta) == 0 and 1 or 0, now, first, second}
  end
  local known = {fields[1], fields[9] or '', fields[8] or '0-0', witness, is_old_run}
  return {known, tonumber(fields[2]), fields[3], horizon, 0, now, first, second}
end
