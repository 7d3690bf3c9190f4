using EndToEnd.Lab;
using Lanyard.Primitives;

namespace Lanyard.Bench.Peers.Lab;

/// <summary>
/// Two hosts on a bridge, a and b, and one with the root and controller of the network that all are on: a ZeroTier One node where there is one, as
/// its peers would find it, else Lanyard's daemon. libzt has two hosts of its own, since it takes the port that a ZeroTier One node has.
/// </summary>
internal sealed class BenchLab : IAsyncDisposable
{
    private readonly NamespaceLab _lab;
    private readonly LabPlanet _planet;
    private readonly LabController _controller;

    private BenchLab(NamespaceLab lab, LabPlanet planet, LabController controller, LabHost[] hosts)
    {
        _lab = lab;
        _planet = planet;
        _controller = controller;
        (A, B, LibztA, LibztB) = (hosts[0], hosts[1], hosts[2], hosts[3]);
    }

    /// <summary>The host that begins: its address on the bare link is <see cref="AddressA"/>.</summary>
    public LabHost A { get; }

    /// <summary>The host that answers.</summary>
    public LabHost B { get; }

    /// <summary>The host where libzt begins.</summary>
    public LabHost LibztA { get; }

    /// <summary>The host where libzt answers.</summary>
    public LabHost LibztB { get; }

    public static string AddressA => "10.99.0.2";

    public static string AddressB => "10.99.0.3";

    /// <summary>The network's id, 16 hexadecimal digits.</summary>
    public string Network => _controller.Network;

    /// <summary>Builds the lab.</summary>
    /// <param name="zeroTierOne">The binary of a ZeroTier One node, or null.</param>
    public static async Task<BenchLab> CreateAsync(string? zeroTierOne)
    {
        var lab = await NamespaceLab.CreateAsync("curl");
        try
        {
            var rootHost = await lab.AddHostAsync("r", 1);
            var planet = LabPlanet.Create(InetEndpoint.Parse("10.99.0.1:9993"));
            var (home, address) = planet.NewHome(rootHost, "root", isRoot: true);
            if (zeroTierOne is null)
                rootHost.Start(Program.LanyardLine("service", "--home", home, "--port", "9993", "--controller"));
            else
                await RealNode.StartAsync(rootHost, zeroTierOne, home);
            var controller = new LabController(rootHost, home, address);
            await controller.CreateNetworkAsync();
            LabHost[] hosts =
            [
                await lab.AddHostAsync("a", 2), await lab.AddHostAsync("b", 3), await lab.AddHostAsync("c", 4), await lab.AddHostAsync("d", 5),
            ];
            return new BenchLab(lab, planet, controller, hosts);
        }
        catch
        {
            await lab.DisposeAsync();
            throw;
        }
    }

    /// <summary>A folder for a new node, which the network admits.</summary>
    public async Task<string> NewMemberAsync(LabHost host, string name)
    {
        var (home, address) = _planet.NewHome(host, name);
        await _controller.AuthorizeAsync(address);
        return home;
    }

    public ValueTask DisposeAsync() => _lab.DisposeAsync();
}
