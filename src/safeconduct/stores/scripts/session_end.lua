-- Own argument: how long a token of the session may live, for one that has no record any more
local outcome = is_gone() and 'gone' or 'ended'
drop(tonumber(argument(1)))
return told(outcome)
