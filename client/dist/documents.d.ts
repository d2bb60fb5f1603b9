export declare const LOGIN = "mutation($c:String!,$a:String,$d:DeviceInput){it:login(code:$c,appId:$a,device:$d){token refreshToken user{id nickname avatarUrl phoneNumber metadata deletesAt}}}";
export declare const REFRESH = "mutation($t:String!){it:refreshSession(refreshToken:$t){token refreshToken}}";
export declare const LOGOUT = "mutation($s:LogoutScope!){it:logout(scope:$s){endedSessions}}";
export declare const ME = "{it:me{id nickname avatarUrl phoneNumber metadata deletesAt}}";
export declare const BIND_PHONE = "mutation($c:String!){it:bindPhoneNumber(code:$c){user{id nickname avatarUrl phoneNumber metadata deletesAt} userErrors{code message}}}";
