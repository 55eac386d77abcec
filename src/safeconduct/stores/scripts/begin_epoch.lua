-- Begin an epoch, or turn the present one into a lost one.  ARGV: shift, horizon, reason, name and start of the epoch
-- that the caller knew or "", name of a new one
if not fields[1] then
  -- Later than the epoch that the caller knew: the first token of that one may have been issued ahead of the clock.
  fields[1], fields[2], fields[3] = ARGV[6], int(math.max(now, (tonumber(ARGV[5]) or 0) + 1)), ARGV[3]
  fields[9] = random
  redis.call('HSET', meta, 'epoch', fields[1], 'epoch_ms', fields[2], 'reason', fields[3], 'line', random, 'run', run,
    'shards', shards)
  redis.call('ZADD', rev, '-inf', '')
  redis.call('ZADD', cut, '-inf', '')
elseif ARGV[3] == 'lost' and fields[1] ~= ARGV[4] then
  fields[3] = 'lost'
  -- An epoch that is no younger than the known one comes from an old copy: what happened since is not known.
  if ARGV[4] ~= '' and tonumber(fields[2]) <= tonumber(ARGV[5]) then
    fields[2] = int(math.max(now, last_issued))
  end
  redis.call('HSET', meta, 'epoch_ms', fields[2], 'reason', 'lost')
end
update_horizon()
return reply(0, 0)
