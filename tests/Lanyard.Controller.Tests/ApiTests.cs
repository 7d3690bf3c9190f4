using System.Text.Json;
using System.Text.Json.Nodes;
using Lanyard.Wire;

namespace Lanyard.Controller.Tests;

public class ApiTests
{
    private readonly TestController _test = new();

    [Fact]
    public void A_new_network_has_the_defaults_that_tools_know()
    {
        Assert.Equal(
            OneLine($$$"""
                {"authTokens":[null],"authorizationEndpoint":"","capabilities":[],"clientId":"","creationTime":{{{_test.NowMs}}},"dns":[],"enableBroadcast":true,
                "id":"{{{_test.NetworkId}}}","ipAssignmentPools":[],"mtu":2800,"multicastLimit":32,"name":"","nwid":"{{{_test.NetworkId}}}","objtype":"network",
                "private":true,"remoteTraceLevel":0,"remoteTraceTarget":null,"revision":1,"routes":[],"rules":[{"not":false,"or":false,"type":"ACTION_ACCEPT"}],
                "rulesSource":"","ssoEnabled":false,"tags":[],"v4AssignMode":{"zt":false},"v6AssignMode":{"6plane":false,"rfc4193":false,"zt":false}}
                """),
            _test.Post("", "{}"));
        Assert.Equal([Rule.ActionAccept], Config("{\"private\":false}").Rules);
    }

    [Fact]
    public void A_member_can_be_made_before_it_asks()
    {
        _test.Post("", "{}");
        Assert.Equal(
            OneLine($$"""
                {"activeBridge":false,"address":"00000000a1","authenticationExpiryTime":0,"authorized":true,"capabilities":[],"creationTime":{{_test.NowMs}},
                "id":"00000000a1","ipAssignments":[],"lastAuthorizedCredential":null,"lastAuthorizedCredentialType":"api","lastAuthorizedTime":{{_test.NowMs}},
                "lastDeauthorizedTime":0,"noAutoAssignIps":false,"nwid":"{{_test.NetworkId}}","objtype":"member","remoteTraceLevel":0,"remoteTraceTarget":null,
                "revision":1,"ssoExempt":false,"tags":[],"vMajor":-1,"vMinor":-1,"vProto":-1,"vRev":-1}
                """),
            _test.Post("member/00000000A1", """{"authorized":true}"""));
        Assert.Equal("""{"00000000a1":1}""", _test.Get("member"));
        Assert.Equal(ControllerReason.Member, _test.Ask(TestController.Stranger(0xa1)).Reason);
    }

    [Fact]
    public void A_field_that_is_not_in_the_body_stays_as_it_is_and_a_body_without_news_raises_no_revision()
    {
        _test.Post("", RecordedApiTests.NetworkBody);
        var before = JsonNode.Parse(_test.Get(""))!.AsObject();
        var after = JsonNode.Parse(_test.Post("", """{"name":"renamed","unknown":{"field":[1]},"id":"x","revision":77,"rulesSource":"drop;"}"""))!.AsObject();
        Assert.Equal(2, (int)after["revision"]!);
        Assert.Equal(["name", "revision"], before.Where(field => !JsonNode.DeepEquals(field.Value, after[field.Key])).Select(field => field.Key));
        Assert.Equal(after.ToJsonString(), JsonNode.Parse(_test.Post("", _test.Get("")))!.ToJsonString());
    }

    [Theory]
    [InlineData("private", "\"false\"", "false")]
    [InlineData("private", "0", "false")]
    [InlineData("private", "\"true\"", "true")]
    [InlineData("enableBroadcast", "null", "false")]
    [InlineData("mtu", "\"1400\"", "1400")]
    [InlineData("mtu", "1", "1280")]
    [InlineData("mtu", "99999999999", "10000")]
    [InlineData("multicastLimit", "99999999999", "2147483647")]
    [InlineData("mtu", "null", "2800")]
    [InlineData("private", "null", "true")]
    [InlineData("multicastLimit", "64.9", "64")]
    [InlineData("name", "17", "\"17\"")]
    [InlineData("name", "null", "\"\"")]
    [InlineData("remoteTraceTarget", "\"00000000b2\"", "\"00000000b2\"")]
    [InlineData("v4AssignMode", "\"zt\"", "{\"zt\":true}")]
    [InlineData("v4AssignMode", "{}", "{\"zt\":false}")]
    [InlineData("v6AssignMode", "\"zt,6plane\"", "{\"6plane\":true,\"rfc4193\":false,\"zt\":true}")]
    [InlineData("v6AssignMode", "{\"rfc4193\":true}", "{\"rfc4193\":true}")]
    [InlineData("v6AssignMode", "null", "{\"6plane\":false,\"rfc4193\":false,\"zt\":false}")]
    [InlineData("ipAssignmentPools", "[{\"ipRangeStart\":\"10.0.0.1/24\",\"ipRangeEnd\":\"10.0.0.9\"}]",
        "[{\"ipRangeEnd\":\"10.0.0.9\",\"ipRangeStart\":\"10.0.0.1\"}]")]
    [InlineData("dns", "{\"domain\":\"lan\",\"servers\":[\"10.0.0.1\"]}", "{\"domain\":\"lan\",\"servers\":[\"10.0.0.1\"]}")]
    [InlineData("dns", "{\"domain\":null}", "{\"domain\":null}")]
    [InlineData("dns", "[]", "[]")]
    [InlineData("dns", "null", "[]")]
    [InlineData("routes", "[{\"target\":\"10.0.0.0/8\",\"via\":\"\"},{\"target\":\"fd00::/8\",\"via\":\"fd00::1/64\"}]",
        "[{\"target\":\"10.0.0.0/8\",\"via\":null},{\"target\":\"fd00::/8\",\"via\":\"fd00::1\"}]")]
    [InlineData("routes", "null", "[]")]
    [InlineData("tags", "[{\"id\":5},{\"id\":2,\"default\":9},{\"id\":5,\"default\":1}]", "[{\"default\":9,\"id\":2},{\"default\":1,\"id\":5}]")]
    [InlineData("capabilities", "[{\"id\":5,\"rules\":[{\"type\":\"ACTION_DROP\"}]}]", "[{\"default\":false,\"id\":5,\"rules\":[{\"type\":\"ACTION_DROP\"}]}]")]
    [InlineData("authTokens", "{\"b\":0,\"a\":\"12\"}", "{\"a\":12,\"b\":0}")]
    [InlineData("authTokens", "{}", "null")]
    [InlineData("authTokens", "null", "[null]")]
    [InlineData("authTokens", "[null]", "[null]")]
    [InlineData("rules", "[]", "[]")]
    public void Fields_are_read_leniently_and_shown_as_they_were_taken(string field, string given, string shown)
    {
        using var document = JsonDocument.Parse(_test.Post("", $$"""{"{{field}}":{{given}}}"""));
        Assert.Equal(shown, document.RootElement.GetProperty(field).GetRawText());
    }

    [Theory]
    [InlineData("""{"type":"ACTION_DROP"}""")]
    [InlineData("""{"type":"ACTION_BREAK"}""")]
    [InlineData("""{"address":"00000000a1","flags":3,"length":64,"type":"ACTION_TEE"}""")]
    [InlineData("""{"address":"00000000a1","flags":3,"length":64,"type":"ACTION_WATCH"}""")]
    [InlineData("""{"address":"00000000a1","flags":3,"type":"ACTION_REDIRECT"}""")]
    [InlineData("""{"not":true,"or":false,"type":"MATCH_SOURCE_ZEROTIER_ADDRESS","zt":"00000000a1"}""")]
    [InlineData("""{"not":false,"or":true,"type":"MATCH_DEST_ZEROTIER_ADDRESS","zt":"00000000a1"}""")]
    [InlineData("""{"not":false,"or":false,"type":"MATCH_VLAN_ID","vlanId":4095}""")]
    [InlineData("""{"not":false,"or":false,"type":"MATCH_VLAN_PCP","vlanPcp":7}""")]
    [InlineData("""{"not":false,"or":false,"type":"MATCH_VLAN_DEI","vlanDei":1}""")]
    [InlineData("""{"mac":"02:00:00:00:00:0f","not":false,"or":false,"type":"MATCH_MAC_SOURCE"}""")]
    [InlineData("""{"mac":"02:00:00:00:00:0f","not":false,"or":false,"type":"MATCH_MAC_DEST"}""")]
    [InlineData("""{"ip":"10.1.2.3/24","not":false,"or":false,"type":"MATCH_IPV4_SOURCE"}""")]
    [InlineData("""{"ip":"10.1.2.3/24","not":false,"or":false,"type":"MATCH_IPV4_DEST"}""")]
    [InlineData("""{"ip":"fd00::1/88","not":false,"or":false,"type":"MATCH_IPV6_SOURCE"}""")]
    [InlineData("""{"ip":"fd00::1/88","not":false,"or":false,"type":"MATCH_IPV6_DEST"}""")]
    [InlineData("""{"end":12,"mask":252,"not":false,"or":false,"start":4,"type":"MATCH_IP_TOS"}""")]
    [InlineData("""{"ipProtocol":17,"not":false,"or":false,"type":"MATCH_IP_PROTOCOL"}""")]
    [InlineData("""{"etherType":2048,"not":false,"or":false,"type":"MATCH_ETHERTYPE"}""")]
    [InlineData("""{"icmpCode":null,"icmpType":8,"not":false,"or":false,"type":"MATCH_ICMP"}""")]
    [InlineData("""{"icmpCode":0,"icmpType":8,"not":false,"or":false,"type":"MATCH_ICMP"}""")]
    [InlineData("""{"end":80,"not":false,"or":false,"start":79,"type":"MATCH_IP_SOURCE_PORT_RANGE"}""")]
    [InlineData("""{"end":80,"not":false,"or":false,"start":79,"type":"MATCH_IP_DEST_PORT_RANGE"}""")]
    [InlineData("""{"mask":"8000000000000002","not":false,"or":false,"type":"MATCH_CHARACTERISTICS"}""")]
    [InlineData("""{"end":1500,"not":false,"or":false,"start":100,"type":"MATCH_FRAME_SIZE_RANGE"}""")]
    [InlineData("""{"not":false,"or":false,"probability":4294967295,"type":"MATCH_RANDOM"}""")]
    [InlineData("""{"id":1,"not":false,"or":false,"type":"MATCH_TAGS_DIFFERENCE","value":4294967295}""")]
    [InlineData("""{"id":1,"not":false,"or":false,"type":"MATCH_TAGS_BITWISE_AND","value":2}""")]
    [InlineData("""{"id":1,"not":false,"or":false,"type":"MATCH_TAGS_BITWISE_OR","value":2}""")]
    [InlineData("""{"id":1,"not":false,"or":false,"type":"MATCH_TAGS_BITWISE_XOR","value":2}""")]
    [InlineData("""{"id":1,"not":false,"or":false,"type":"MATCH_TAGS_EQUAL","value":2}""")]
    [InlineData("""{"id":1,"not":false,"or":false,"type":"MATCH_TAG_SENDER","value":2}""")]
    [InlineData("""{"id":1,"not":false,"or":false,"type":"MATCH_TAG_RECEIVER","value":2}""")]
    [InlineData("""{"bits":16,"end":"00000000000000ff","idx":12,"little":true,"not":false,"or":false,"start":"0000000000000010","type":"INTEGER_RANGE"}""")]
    public void Every_rule_is_shown_as_it_was_given(string rule)
    {
        Assert.Contains($"\"rules\":[{rule}]", _test.Post("", $$"""{"rules":[{{rule}}]}"""), StringComparison.Ordinal);
        Assert.Single(Config("""{"private":false}""").Rules);
    }

    [Theory]
    [InlineData("""{"type":"MATCH_CHARACTERISTICS","mask":3}""", """{"mask":"0000000000000003","not":false,"or":false,"type":"MATCH_CHARACTERISTICS"}""")]
    [InlineData("""{"type":"MATCH_IP_DEST_PORT_RANGE","start":80}""", """{"end":80,"not":false,"or":false,"start":80,"type":"MATCH_IP_DEST_PORT_RANGE"}""")]
    [InlineData("""{"type":"MATCH_IPV4_DEST","ip":"10.0.0.1"}""", """{"ip":"10.0.0.1/0","not":false,"or":false,"type":"MATCH_IPV4_DEST"}""")]
    [InlineData("""{"type":"MATCH_ETHERTYPE","etherType":"2048","not":1,"or":"true"}""", """{"etherType":2048,"not":true,"or":true,"type":"MATCH_ETHERTYPE"}""")]
    [InlineData("""{"type":"ACTION_ACCEPT","not":true}""", """{"type":"ACTION_ACCEPT"}""")]
    public void Rules_are_read_leniently(string given, string shown) =>
        Assert.Contains($"\"rules\":[{shown}]", _test.Post("", $$"""{"rules":[{{given}}]}"""), StringComparison.Ordinal);

    [Fact]
    public void Networks_are_made_with_random_numbers_listed_and_deleted()
    {
        var first = JsonNode.Parse(_test.Call("POST", "/controller/network", "").Json)!;
        var second = JsonNode.Parse(_test.Call("PUT", $"/controller/network/{_test.Identity.Address}______", """{"name":"second"}""").Json)!;
        var ids = new[] { (string)first["id"]!, (string)second["id"]! };
        Assert.All(ids, id => Assert.StartsWith(_test.Identity.Address.ToString(), id, StringComparison.Ordinal));
        Assert.NotEqual(ids[0], ids[1]);
        Assert.Equal($"[{string.Join(',', ids.Order(StringComparer.Ordinal).Select(id => $"\"{id}\""))}]", _test.Call("GET", "/controller/network").Json);
        Assert.Equal((200, second.ToJsonString()), _test.Call("DELETE", $"/controller/network/{ids[1]}"));
        Assert.Equal(404, _test.Call("DELETE", $"/controller/network/{ids[1]}").Status);
        Assert.Equal(400, _test.Call("POST", "/controller/network/0123456789______", "{}").Status);
        Assert.Equal(400, _test.Call("POST", "/controller/network/0123456789000001", "{}").Status);
    }

    [Fact]
    public void Whole_listings_carry_counts()
    {
        _test.Post("", """{"name":"one"}""");
        _test.Post("member/00000000a1", """{"authorized":true}""");
        _test.Post("member/00000000b2", "{}");
        var networks = JsonNode.Parse(_test.Call("GET", "/unstable/controller/network").Json)!;
        Assert.Equal(1, (int)networks["meta"]!["networkCount"]!);
        Assert.Equal("""{"authorizedMemberCount":1,"totalMemberCount":2}""", networks["data"]![0]!["meta"]!.ToJsonString());
        var members = JsonNode.Parse(_test.Call("GET", "/unstable" + _test.PathOf("member")).Json)!;
        Assert.Equal("""{"authorizedCount":1,"totalCount":2}""", members["meta"]!.ToJsonString());
        Assert.Equal(_test.Get("member/00000000b2"), members["data"]![1]!.ToJsonString());
    }

    [Fact]
    public void Members_are_deleted_and_answer_with_what_they_were()
    {
        _test.Post("", "{}");
        var member = _test.Post("member/00000000a1", """{"name":"x"}""");
        Assert.Equal((200, member), _test.Call("DELETE", _test.PathOf("member/00000000a1")));
        Assert.Equal(404, _test.Call("DELETE", _test.PathOf("member/00000000a1")).Status);
        Assert.Equal(404, _test.Call("GET", _test.PathOf("member/00000000a1")).Status);
    }

    [Theory]
    [InlineData("GET", "/controller/network/0000000000000000", "", 404)]
    [InlineData("GET", "/controller/nonsense", "", 404)]
    [InlineData("GET", "/controller/network/zz", "", 404)]
    [InlineData("GET", "/controller/", "", 404)]
    [InlineData("POST", "/controller", "{}", 405)]
    [InlineData("DELETE", "/controller/network", "", 405)]
    [InlineData("PATCH", "/controller/network", "{}", 405)]
    [InlineData("POST", "NETWORK/member", "{}", 405)]
    [InlineData("POST", "NETWORK", "{", 400)]
    [InlineData("POST", "NETWORK", "[]", 400)]
    [InlineData("POST", "NETWORK", "{} {}", 400)]
    [InlineData("POST", "NETWORK/member/0000000000", "{}", 400)]
    [InlineData("POST", "NETWORK/member/ff00000001", "{}", 400)]
    [InlineData("POST", "NETWORK/member/123", "{}", 404)]
    [InlineData("HEAD", "NETWORK", "", 200)]
    public void Errors_have_their_status_and_a_JSON_body(string method, string path, string body, int status)
    {
        _test.Post("", "{}");
        var answer = _test.Call(method, path.Replace("NETWORK", _test.PathOf(""), StringComparison.Ordinal), body);
        Assert.Equal(status, answer.Status);
        using var document = JsonDocument.Parse(answer.Json);
        Assert.Equal(status != 200, document.RootElement.TryGetProperty("error", out _));
    }

    [Fact]
    public void A_member_of_a_network_that_is_not_there_cannot_be_made()
    {
        Assert.Equal(404, _test.Call("POST", _test.PathOf("member/00000000a1"), "{}").Status);
        Assert.Equal(404, _test.Call("GET", _test.PathOf("member")).Status);
    }

    [Fact]
    public void Texts_of_any_kind_come_back_as_they_were()
    {
        var name = "\"\\/\b\f\n\r\t\u0001\u007f<&'+>é€😀\u2028";
        var json = _test.Post("", new JsonObject { ["name"] = name }.ToJsonString());
        Assert.Equal(name, (string)JsonNode.Parse(json)!["name"]!);
        Assert.Contains("<&'+>é€", json, StringComparison.Ordinal);
    }

    [Fact]
    public void A_text_that_is_not_Unicode_is_refused_and_erases_nothing()
    {
        var before = _test.Post("", """{"name":"kept","authTokens":{"a":1}}""");
        byte[][] bodies =
        [
            [.. "{\"name\":\""u8, 0xff, 0xfe, .. "\"}"u8], [.. "{\"unknown\":\""u8, 0xc3, .. "\",\"name\":\"x\"}"u8], [.. "{\"\\ud800\":1,\"name\":\"x\"}"u8],
            [.. """{"name":"\ud800"}"""u8], [.. """{"authTokens":{"\ud800":1,"b":1}}"""u8], [.. """{"rules":[{"type":"\udfff"}]}"""u8],
        ];
        foreach (var body in bodies)
        {
            Assert.Equal(400, _test.Call("POST", _test.PathOf(""), body).Status);
            Assert.Equal(before, _test.Get(""));
        }
    }

    /// <summary>Invalid values for each field of a network: the answer is a 400 that names the field, and no field changes, not even a valid field before it.</summary>
    [Theory]
    [InlineData("name", "[]", "{}", "true")]
    [InlineData("private", "[]", "{}", "\"yes\"", "-1")]
    [InlineData("enableBroadcast", "[]", "\"on\"", "{}")]
    [InlineData("multicastLimit", "-1", "[]", "\"many\"", "1e400", "true")]
    [InlineData("mtu", "[]", "\"large\"", "-1", "{}", "false")]
    [InlineData("remoteTraceTarget", "\"nobody\"", "[]", "17", "true")]
    [InlineData("remoteTraceLevel", "\"x\"", "{}")]
    [InlineData("certificateTimeoutWindowSize", "\"x\"", "[]", "-5")]
    [InlineData("v4AssignMode", "\"pools\"", "true", "[]", "{\"zt\":\"maybe\"}", "7")]
    [InlineData("v6AssignMode", "\"zt,7plane\"", "true", "[]", "{\"6plane\":[]}")]
    [InlineData("routes", "{}", "\"10.0.0.0/8\"", "[7]", "[{}]", "[{\"target\":\"10.0.0.0\"}]", "[{\"target\":\"nonsense\"}]", "[{\"target\":\"10.0.0.0/33\"}]",
        "[{\"target\":\"10.0.0.0/8\"},{\"target\":\"fd00::/8\",\"via\":\"10.0.0.1\"}]", "[{\"target\":\"10.0.0.0/8\",\"via\":[]}]", "[{\"target\":\"10.0.0.0/8\",\"via\":\"x\"}]")]
    [InlineData("ipAssignmentPools", "{}", "[null]", "[{\"ipRangeStart\":\"10.0.0.1\"}]", "[{\"ipRangeStart\":\"10.0.0.1\",\"ipRangeEnd\":\"fd00::1\"}]")]
    [InlineData("rules", "{}", "[7]", "[{}]", "[{\"type\":\"ACTION_DROP\"},{\"type\":\"NEWER\"}]", "[{\"type\":\"MATCH_ETHERTYPE\",\"etherType\":\"ip\"}]",
        "[{\"type\":\"MATCH_ETHERTYPE\",\"etherType\":65536}]", "[{\"type\":\"MATCH_IPV4_DEST\",\"ip\":\"fd00::1/8\"}]", "[{\"type\":\"MATCH_IPV4_DEST\",\"ip\":\"10.0.0.1/64\"}]",
        "[{\"type\":\"MATCH_MAC_SOURCE\",\"mac\":\"g\"}]", "[{\"type\":\"MATCH_SOURCE_ZEROTIER_ADDRESS\",\"zt\":\"nobody\"}]", "[{\"type\":\"MATCH_ICMP\",\"icmpType\":8,\"icmpCode\":[]}]",
        "[{\"type\":\"MATCH_CHARACTERISTICS\",\"mask\":\"zz\"}]", "[{\"type\":\"MATCH_ETHERTYPE\",\"etherType\":1,\"not\":[]}]", "[{\"type\":\"INTEGER_RANGE\",\"little\":\"x\"}]")]
    [InlineData("authTokens", "\"x\"", "[1]", "{\"c\":-1}", "{\"d\":\"x\"}")]
    [InlineData("capabilities", "{}", "[3]", "[{\"id\":\"x\"}]", "[{\"id\":4294967296}]", "[{\"id\":5,\"rules\":[{\"type\":\"NEWER\"}]}]", "[{\"id\":5,\"rules\":{}}]", "[{\"default\":\"x\"}]")]
    [InlineData("tags", "{}", "[3]", "[{\"id\":-1}]", "[{\"id\":1,\"default\":\"x\"}]")]
    [InlineData("dns", "\"lan\"", "[1]", "{\"domain\":[]}", "{\"servers\":[\"x\"]}", "{\"servers\":[4]}", "{\"servers\":{}}")]
    public void A_network_is_changed_whole_or_not_at_all(string field, params string[] values)
    {
        var before = _test.Post("", RecordedApiTests.NetworkBody);
        foreach (var value in values)
        {
            var (status, json) = _test.Call("POST", _test.PathOf(""), $$"""{ {{(field == "name" ? "" : "\"name\":\"changed\",")}}"{{field}}":{{value}},"unknown":1{{(field == "mtu" ? "" : ",\"mtu\":1500")}} }""");
            Assert.True(status == 400 && json.Contains($"\\\"{field}", StringComparison.Ordinal), $"{value}: {status} {json}");
            Assert.Equal(before, _test.Get(""));
            Assert.Equal(400, _test.Call("POST", "/controller/network", $$"""{"{{field}}":{{value}}}""").Status);
        }

        Assert.Single(_test.Core.ListNetworks());
    }

    [Theory]
    [InlineData("authorized", "[]", "\"yes\"", "-1")]
    [InlineData("activeBridge", "{}", "\"on\"")]
    [InlineData("noAutoAssignIps", "[]")]
    [InlineData("authenticationExpiryTime", "\"soon\"", "-1")]
    [InlineData("name", "[]", "false")]
    [InlineData("remoteTraceTarget", "\"x\"", "{}")]
    [InlineData("remoteTraceLevel", "[]")]
    [InlineData("ipAssignments", "{}", "\"10.0.0.1\"", "[7]", "[\"10.0.0.1\",\"x\"]")]
    [InlineData("tags", "{}", "[1]", "[[1]]", "[[1,\"x\"]]", "[[4294967296,1]]")]
    [InlineData("capabilities", "{}", "[\"x\"]", "[-1]", "[[]]")]
    public void A_member_is_changed_whole_or_not_at_all(string field, params string[] values)
    {
        _test.Post("", "{}");
        var before = _test.Post("member/00000000a1", RecordedApiTests.MemberBody);
        foreach (var value in values)
        {
            var (status, json) = _test.Call("POST", _test.PathOf("member/00000000a1"), $$"""{ {{(field == "name" ? "" : "\"name\":\"changed\",")}}"{{field}}":{{value}},"unknown":1{{(field == "authorized" ? "" : ",\"authorized\":false")}} }""");
            Assert.True(status == 400 && json.Contains($"\\\"{field}", StringComparison.Ordinal), $"{value}: {status} {json}");
            Assert.Equal(before, _test.Get("member/00000000a1"));
            Assert.Equal(400, _test.Call("POST", _test.PathOf("member/00000000b2"), $$"""{"{{field}}":{{value}}}""").Status);
        }

        Assert.Equal(404, _test.Call("GET", _test.PathOf("member/00000000b2")).Status);
    }

    [Fact]
    public void The_controller_answers_only_its_own_paths()
    {
        Assert.True(ControllerApi.Handles("/controller"));
        Assert.True(ControllerApi.Handles("/controller/network"));
        Assert.True(ControllerApi.Handles("/unstable/controller/network"));
        Assert.False(ControllerApi.Handles("/controllers"));
        Assert.False(ControllerApi.Handles("/status"));
    }

    private static string OneLine(string text) => text.ReplaceLineEndings("");

    private NetworkConfig Config(string body)
    {
        _test.Post("", body);
        return _test.ConfigOf(TestController.Stranger(0xa1));
    }
}
