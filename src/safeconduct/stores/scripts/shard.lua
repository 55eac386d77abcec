-- Prepended to every script on a shard.  ARGV[2] is the caller's horizon in milliseconds.  The last arguments, after
-- the script's own: the caller's number of shards; epoch, line and head as the caller knows them;
-- the tag and issued_ms of the token of ours that the script is about ("" for none); 16 random bytes; then what the
-- caller's connection knows of the server: its run, when that started in milliseconds, "1" if it has an append-only
-- file, "1" if the server was asked just now.
local rev, cut, log, meta = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local shards, known_epoch, known_line, known_head, token_tag, token_issued, random = unpack(ARGV, #ARGV - 10, #ARGV - 4)
local run, run_began, has_aof, is_confirmed = unpack(ARGV, #ARGV - 3, #ARGV)
for i = #ARGV, #ARGV - 10, -1 do
  ARGV[i] = nil
end

local fields = redis.call('HMGET', meta,
  'epoch', 'epoch_ms', 'reason', 'horizon', 'horizon_until', 'pruned_s', 'stamped', 'head',
  'line', 'run', 'run_before', 'beat', 'shards')
local own_horizon = tonumber(ARGV[2])
local horizon = tonumber(fields[4] or 0)
local horizon_until = tonumber(fields[5] or 0)
local pruned_s = tonumber(fields[6] or -1)
local last_issued = tonumber(fields[7] or 0)
local witness, is_old_run = '', 0

-- A replica lags behind its primary, and a primary may become a replica at any time.  This command changes nothing, and
-- a replica refuses it.  Other refusals (no memory, no replicas, a full disk) do not prevent reading.  The command must
-- be one that needs memory: after another one, Redis would not refuse the script's further writes when memory is full.
local refused = redis.pcall('ZADD', rev, 'XX', '-inf', '')
if type(refused) == 'table' and refused.err and string.find(refused.err, 'READONLY', 1, true) then
  return redis.error_reply('READONLY the store is a replica')
end

-- A caller with another number of shards would look for most subjects in shards that do not have their revocations.
if fields[13] and fields[13] ~= shards then
  return redis.error_reply('SHARDS ' .. fields[13])
end

-- The data was set back to an earlier state: another epoch begins, in which nothing from before counts.
local function begin_lost_epoch(proof, issued)
  fields[1] = redis.sha1hex('epoch' .. random)
  fields[2] = int(math.max(now, last_issued, tonumber(fields[2]), issued))
  fields[3], witness = 'lost', proof
  redis.call('HSET', meta, 'epoch', fields[1], 'epoch_ms', fields[2], 'reason', 'lost')
end

-- A token of ours that was issued later than the data, or in another epoch than the tag in its session's id says,
-- proves a loss.
local function check_witness(tag, issued)
  if not fields[1] or #tag ~= 8 or string.byte(tag) < 128 then
    return
  end
  local began = tonumber(fields[2])
  if issued > math.max(last_issued, began) then
    begin_lost_epoch('token', issued)
  elseif fields[3] == 'new' and issued <= began then
    local digest = redis.sha1hex(fields[1])
    local own = string.char(128 + tonumber(string.sub(digest, 1, 2), 16) % 128)
    for i = 3, 15, 2 do
      own = own .. string.char(tonumber(string.sub(digest, i, i + 1), 16))
    end
    if tag ~= own then
      -- What was issued in this epoch is still known, so its beginning stays.
      fields[3], witness = 'lost', 'token'
      redis.call('HSET', meta, 'reason', 'lost')
    end
  end
end

-- The horizon is the largest of any process, and shrinks only if no process has confirmed it for a whole horizon.
local function update_horizon()
  if own_horizon > horizon or now > horizon_until then
    horizon = own_horizon
    redis.call('HSET', meta, 'horizon', int(horizon), 'horizon_until', int(now + horizon))
  elseif own_horizon == horizon and horizon_until < now + horizon / 2 then
    -- May fail for lack of memory: reading goes on, and half a horizon is left.
    redis.pcall('HSET', meta, 'horizon_until', int(now + horizon))
  end
  -- So that the data of a replica that takes over is newer than its start; may fail as above.
  if now >= tonumber(fields[12] or 0) + 10000 then
    redis.pcall('HSET', meta, 'beat', int(now))
  end
end

-- The beginning of every reply.
local function reply(first, second)
  if not fields[1] then
    -- claim_shards.lua may have stored the number of shards before the epoch begins.
    local is_empty = redis.call('EXISTS', rev, cut, log) == 0 and #redis.call('HGETALL', meta) == (fields[13] and 2 or 0)
    return {'', 0, '', 0, is_empty and 1 or 0, now, first, second}
  end
  local known = {fields[1], fields[9] or '', fields[8] or '0-0', witness, is_old_run}
  return {known, tonumber(fields[2]), fields[3], horizon, 0, now, first, second}
end
