-- Before every script on a shard.  ARGV[2] is the caller's horizon in milliseconds.  At the end of ARGV, behind the
-- script's own arguments: epoch, line and head as the caller knows them, the tag and issued_ms of the own token that it
-- asks about ("" for none), 16 random bytes; then what its connection knows of the server: the run, its start in
-- milliseconds, "1" if it has an append-only file, "1" if it was asked just now.
local rev, cut, log, meta = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local asked_epoch, asked_line, asked_head, asked_tag, asked_issued, drawn, run, run_began, has_aof, is_confirmed =
  unpack(ARGV, #ARGV - 9, #ARGV)
for _ = 1, 10 do
  table.remove(ARGV)
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

-- Whether the change named by the first id comes before the one named by the second.
local function is_before(first, second)
  local first_ms, first_number = string.match(first, '^(%d+)%-(%d+)$')
  local second_ms, second_number = string.match(second, '^(%d+)%-(%d+)$')
  first_ms, second_ms = tonumber(first_ms), tonumber(second_ms)
  return first_ms < second_ms or (first_ms == second_ms and tonumber(first_number) < tonumber(second_number))
end

-- The data is a past state of itself: another epoch begins, in which nothing from before counts.
local function lose(why, issued)
  fields[1] = redis.sha1hex('epoch' .. drawn)
  fields[2] = int(math.max(now, stamped, tonumber(fields[2]), issued))
  fields[3], witness = 'lost', why
  redis.call('HSET', meta, 'epoch', fields[1], 'epoch_ms', fields[2], 'reason', 'lost')
end

-- The newest instant in the data; the log's is not shifted.
local function newest()
  local head_ms = tonumber(string.match(fields[8] or '0-0', '^%d+')) + tonumber(ARGV[1])
  return math.max(stamped, head_ms, tonumber(fields[2]), tonumber(fields[12] or 0))
end

-- Another process of the server has the data now.  What it has of the old line ends here; 64 such ends are kept.
local function draw_line()
  local lines, changes = redis.call('HGET', meta, 'lines') or '', {}
  local is_first = not fields[10] or fields[10] == ''
  if fields[9] then
    changes = {'next:' .. fields[9], fields[8] or '0-0'}
    lines = lines .. fields[9]
  end
  local oldest = #lines > 64 * 16 and string.sub(lines, 1, 16)
  lines = oldest and string.sub(lines, 17) or lines
  for _, word in ipairs({'lines', lines, 'line', drawn, 'run', run, 'run_before', fields[10] or ''}) do
    changes[#changes + 1] = word
  end
  -- May fail for want of memory: then the line is drawn later, and the log tells what is missing.
  if type(redis.pcall('HSET', meta, unpack(changes))) == 'number' then
    fields[9] = drawn
    if oldest then
      redis.call('HDEL', meta, 'next:' .. oldest)
    end
  end
  -- Without a file of its changes a server that began after all that is in the data read it from a snapshot.
  if has_aof ~= '1' and not is_first and tonumber(run_began) + tonumber(ARGV[1]) >= newest() then
    lose('restart', 0)
  end
end

-- Whether the caller knows a change that the data does not have.
local function is_set_back()
  local head = fields[8] or '0-0'
  if asked_line ~= fields[9] then
    local left_at = redis.call('HGET', meta, 'next:' .. asked_line)
    return not left_at or is_before(left_at, asked_head)
  end
  if asked_head == head or asked_head == '0-0' then
    return false
  end
  if #redis.call('XRANGE', log, asked_head, asked_head) > 0 then
    return false
  end
  local first = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  -- An older change than all that are there may have been trimmed, if anything was.
  return not first or not is_before(asked_head, first[1]) or first[2][2] == '0-0'
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

-- Whether a session's record is older than what the store knows: a planned move is adopted by hand.
local function is_unknown(issued)
  return fields[3] ~= 'adopted' and issued <= tonumber(fields[2])
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

-- Forget entries that have ended: every script that writes forgets some, so that the sets do not grow.
local has_pruned = false
local function prune()
  if has_pruned then
    return
  end
  has_pruned = true
  local before = '(' .. int(math.floor(now / 1000) - 60)
  local old = redis.call('ZRANGEBYSCORE', rev, '-inf', before, 'WITHSCORES', 'LIMIT', 0, 100)
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

-- What every reply begins with.
local function reply(first, second)
  if not fields[1] then
    return {'', 0, '', 0, redis.call('EXISTS', rev, cut, log, meta) == 0 and 1 or 0, now, first, second}
  end
  local known = {fields[1], fields[9] or '', fields[8] or '0-0', witness, is_old_run}
  return {known, tonumber(fields[2]), fields[3], horizon, 0, now, first, second}
end

if fields[1] then
  if run ~= '' and run ~= fields[10] then
    -- A connection that has not heard of the latest run yet draws no line; it asks, and says so.
    if run == fields[11] and is_confirmed ~= '1' then
      is_old_run = 1
    else
      draw_line()
    end
  end
  if asked_epoch == fields[1] and asked_line ~= '' and is_set_back() then
    lose('mark', 0)
  end
  if asked_tag ~= '' and asked_issued ~= '' then
    weigh(asked_tag, tonumber(asked_issued))
  end
end
