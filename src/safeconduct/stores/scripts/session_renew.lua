-- Own arguments: issued_ms, exp and renewals of the present token, id of the new one, grace_ms, access_ms, rights or ""
if is_gone() or latest_cut() >= tonumber(argument(1)) then
  return session_reply('gone')
end
local renewals = tonumber(argument(3))
if renewals == number('renewals') - 1 and now < number('renewal_grace') then
  return session_reply('repeated', number('renewal_iat'))
end
if renewals < number('renewals') then
  return session_reply('reuse')
end
if renewals > number('renewals') then
  -- Its signature is valid, so a later state of the data issued it.
  begin_lost_epoch('token', tonumber(argument(1)))
  return session_reply('gone', 0, true)
end
local access, ends = tonumber(argument(6)), math.floor(number('ends') / 1000)
if ends <= tonumber(argument(2)) then
  return session_reply('at_end')
end
local iat = issue_time()
put('renewals', renewals + 1)
put('demoted', '1')
put('renewal_id', argument(4))
put('renewal_iat', iat)
put('renewal_exp', math.min(math.floor(iat / 1000) + math.floor(access / 1000), ends))
put('renewal_grace', now + tonumber(argument(5)))
take_rights(argument(7))
issue(iat, access)
keep()
return session_reply('renewed', iat)
