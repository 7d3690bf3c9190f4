using System.Text;
using System.Text.Json;
using Lanyard.Controller;
using Lanyard.Engine;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Fuzz;

/// <summary>A controller that receives requests of members and strangers and calls of its API while time passes.</summary>
internal sealed class ControllerStory
{
    private const int MaxSteps = 48;
    private const long Start = 1_795_288_811_254;

    private static readonly string[] Bodies =
    [
        "{}",
        """{"private":false}""",
        """{"v4AssignMode":{"zt":true},"routes":[{"target":"10.0.0.0/30"}],"ipAssignmentPools":[{"ipRangeStart":"10.0.0.0","ipRangeEnd":"10.0.0.3"}]}""",
        """{"v6AssignMode":{"zt":true,"6plane":true,"rfc4193":true},"routes":[{"target":"::/1"},{"target":"8000::/1"}],"ipAssignmentPools":[{"ipRangeStart":"::1","ipRangeEnd":"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}]}""",
        """{"authTokens":{"x":0,"y":18446744073709551615},"certificateTimeoutWindowSize":18446744073709551615,"multicastLimit":-1,"mtu":1e18}""",
        """{"authorized":true,"ipAssignments":["10.0.0.1","fd00::1","0.0.0.0"],"tags":[[1,2],[4294967295,4294967295]],"capabilities":[1,7],"activeBridge":true}""",
        """{"authorized":false}""",
        """{"capabilities":[{"id":7,"default":true,"rules":[{"type":"ACTION_ACCEPT"}]}],"tags":[{"id":1,"default":5}],"rules":[{"type":"ACTION_BREAK"}]}""",
        """{"dns":{"domain":"lan","servers":["10.0.0.53"]},"name":"n","enableBroadcast":false,"remoteTraceTarget":"8056c2e21c","remoteTraceLevel":99}""",
    ];

    private readonly NetworkController _controller;
    private readonly ControllerApi _api;
    private readonly MemoryControllerStore _store = new();
    private long _now = Start;
    private ulong _packetId;

    private ControllerStory()
    {
        _controller = new NetworkController(Keys.Root, _store, static span => span.Fill(0x5a), new ControllerLimits
        {
            MaxNetworks = 3, MaxMembersPerNetwork = 5, MaxStrangersPerNetwork = 2, NewStrangersPerSecond = 1, NewStrangersBurst = 3,
        });
        _api = new ControllerApi(_controller);
        _controller.SaveNetwork(_now, Network(0), static network => network);
    }

    /// <summary>Lives through an input.</summary>
    public static void Run(ReadOnlySpan<byte> input)
    {
        var input2 = new FuzzInput(input);
        var story = new ControllerStory();
        for (var i = 0; i < MaxSteps && !input2.IsEmpty; i++)
            story.Step(ref input2);
        story.Restart();
    }

    /// <summary>Each call and each request.</summary>
    public static IEnumerable<byte[]> Seeds()
    {
        byte[] ask = [0, 0, 1, 0, 1, 0, 1, 2, 1];
        for (byte body = 0; body < Bodies.Length; body++)
        {
            yield return [1, 0, 0, body, .. ask, 3, .. ask, 2];
            yield return [1, 0, 0, body, 1, 1, 0, body, .. ask, 1, 1, 0, 5, 3, 2, 1, 1, 0, 6, 3];
        }

        yield return [.. new FuzzInputWriter().Add(4, 0, 0).AddBytes("""{"routes":[{"target":"10.0.0.0/8","via":"10.0.0.1"}]}"""u8).ToArray(), 3, 3];
        yield return [.. new FuzzInputWriter().Add(0, 0, 0, 0).AddBytes("v=7\na=token:x\nrevr=0"u8).ToArray(), 3];
        yield return [5, 0, 5, 1, 5, 2, 5, 3];
    }

    private static NetworkId Network(int number) => NetworkId.Create(Keys.Root.Address, (uint)number + 1);

    private static Identity Asker(int choice) => Keys.All[1 + (choice % (Keys.All.Count - 1))];

    private void Step(ref FuzzInput story)
    {
        switch (story.Byte() % 7)
        {
            case 0:
                Ask(ref story);
                break;
            case 1:
                Call("POST", Path(ref story), Encoding.UTF8.GetBytes(Bodies[story.Below(Bodies.Length)]));
                break;
            case 2:
                _now += 1L << (story.Byte() % 24);
                break;
            case 3:
                Drain();
                break;
            case 4:
                Call("POST", Path(ref story), story.Bytes(1_500).ToArray());
                break;
            case 5:
                Call((story.Byte() % 5) switch { 0 => "DELETE", 1 => "GET", 2 => "PUT", 3 => "HEAD", _ => "PATCH" }, Path(ref story), []);
                break;
            default:
                Call("GET", "/controller/" + Encoding.Latin1.GetString(story.Bytes(80)), []);
                break;
        }

        var counters = _controller.Counters;
        Check.That(_controller.ListNetworks().Count <= 3, "networks above their limit");
        Check.That(counters.Requests >= counters.Configs, "more configurations than requests");
    }

    private void Ask(ref FuzzInput story)
    {
        var asker = Asker(story.Byte());
        var network = story.Byte() is var choice && choice < 0xe0 ? Network(choice % 3) : new NetworkId(story.UInt64());
        var metadata = story.Bool() ? (new NetworkRequestMetadata().TryWrite(out var text) ? text : []) : story.Bytes(1_100).ToArray();
        var reply = _controller.HandleRequest(new ConfigRequest(_now, asker, InetEndpoint.Parse("10.99.0.2:9993"), network, metadata, ++_packetId));
        Check.Equal(reply.Reason == ControllerReason.Member, reply.Message?.Config is not null, "a configuration");
        if (reply.Message is { } message)
            CheckMessage(message, asker);
    }

    private void CheckMessage(ControllerMessage message, Identity to)
    {
        Check.Equal(to.Address, message.To, "receiver");
        if (message.Config is not { } config)
            return;
        Check.That(config.Membership!.Verify(Keys.Root) && config.Membership.IssuedTo == to.Address, "a certificate that is none");
        Check.That(config.TryWrite(out var written) && NetworkConfig.TryParse(written, out var read) && read.StaticAddresses == config.StaticAddresses, "a configuration that members cannot read");
        Check.That(config.CredentialTimeMaxDelta is >= NetworkLimits.MinCredentialTimeMaxDelta and <= NetworkLimits.MaxCredentialTimeMaxDelta, "window");
    }

    private void Drain()
    {
        for (var count = 0; _controller.TryTakeMessage(_now, out var message); count++)
        {
            Check.That(count < 1_000, "messages without end");
            Check.Equal(message.Kind == ControllerMessageKind.Config, message.Config is not null, "a configuration");
        }
    }

    private static string Path(ref FuzzInput story)
    {
        var choice = story.Byte();
        var network = Network(story.Byte() % 4);
        return (choice % 4) switch
        {
            0 => $"/controller/network/{network}",
            1 or 2 => $"/controller/network/{network}/member/{Asker(choice >> 2).Address}",
            _ => $"/controller/network/{Keys.Root.Address}______",
        };
    }

    private void Call(string method, string path, byte[] body)
    {
        var response = _api.HandleAsync(_now, method, path, body).AsTask().GetAwaiter().GetResult();
        Check.That(response.StatusCode is 200 or 400 or 404 or 405 or 413, $"status {response.StatusCode}");
        using var document = JsonDocument.Parse(response.Json);
    }

    // What is stored is taken up by the next start, and says the same.
    private void Restart()
    {
        var again = new NetworkController(Keys.Root, _store, static span => span.Fill(0x5a));
        Check.That(again.ListNetworks().SequenceEqual(_controller.ListNetworks()), "networks after a restart");
        foreach (var network in again.ListNetworks())
            Check.That(again.ListMembers(network.Id)!.SequenceEqual(_controller.ListMembers(network.Id)!), "members after a restart");
    }
}
