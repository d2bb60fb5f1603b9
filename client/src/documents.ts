// The documents that the client sends by itself. Each asks for one thing, under the same name; blanks cost bytes.
const USER = '{id nickname avatarUrl phoneNumber deletesAt}';

export const LOGIN = `mutation($c:String!,$a:String,$d:DeviceInput){it:login(code:$c,appId:$a,device:$d){token refreshToken user${USER}}}`;
export const REFRESH = 'mutation($t:String!){it:refreshSession(refreshToken:$t){token refreshToken}}';
export const LOGOUT = 'mutation($s:LogoutScope!){it:logout(scope:$s){endedSessions}}';
export const ME = `{it:me${USER}}`;
export const BIND_PHONE = `mutation($c:String!){it:bindPhoneNumber(code:$c){user${USER} userErrors{code message}}}`;
