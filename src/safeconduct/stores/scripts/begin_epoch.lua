-- ARGV: shift, horizon, reason, name and start of the epoch that the caller knew or "", name of a new one
if not fields[1] then
  -- After the epoch that is missed began: the first token of that one may be stamped ahead of the clock.
  fields[1], fields[2], fields[3] = ARGV[6], int(math.max(now, (tonumber(ARGV[5]) or 0) + 1)), ARGV[3]
  fields[9] = drawn
  redis.call('HSET', meta, 'epoch', fields[1], 'epoch_ms', fields[2], 'reason', fields[3], 'line', drawn, 'run', run)
elseif ARGV[3] == 'lost' and fields[1] ~= ARGV[4] then
  fields[3] = 'lost'
  -- An epoch no younger than the one that is missed comes from an old copy: nobody knows what happened since.
  if ARGV[4] ~= '' and tonumber(fields[2]) <= tonumber(ARGV[5]) then
    fields[2] = int(math.max(now, stamped))
  end
  redis.call('HSET', meta, 'epoch_ms', fields[2], 'reason', 'lost')
end
keep_horizon()
return reply(0, 0)
