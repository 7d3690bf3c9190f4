using Lanyard;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace EndToEnd.Lab;

/// <summary>A lab's root, relay and controller at 10.99.0.1, Lanyard's or the reference's, with one private network.</summary>
internal sealed class LabRoot
{
    private readonly LabPlanet _planet;

    private LabRoot(LabHost host)
    {
        Host = host;
        _planet = LabPlanet.Create(Endpoint);
        (Home, Address) = _planet.NewHome(host, "root", isRoot: true);
        Controller = new LabController(host, Home, Address);
    }

    public static InetEndpoint Endpoint { get; } = InetEndpoint.Parse("10.99.0.1:9993");

    public LabHost Host { get; }

    public string Home { get; }

    public NodeAddress Address { get; }

    public Identity Identity => _planet.Root;

    public LabController Controller { get; }

    public string Network => Controller.Network;

    /// <summary>Makes its host and its folder.</summary>
    public static async Task<LabRoot> CreateAsync(NamespaceLab lab) => new(await lab.AddHostAsync("r", 1));

    /// <summary>Starts it, as a Lanyard service or as a real node, and makes the network.</summary>
    public async Task StartAsync(string? realBinary = null)
    {
        if (realBinary is null)
            Host.StartLanyard("service", "--home", Home, "--port", "9993", "--controller");
        else
            await RealNode.StartAsync(Host, realBinary, Home);
        await Controller.CreateNetworkAsync();
    }

    /// <summary>Makes the folder of a node, which the network lets in.</summary>
    public async Task<(string Home, NodeAddress Address)> AddMemberAsync(LabHost host, string name)
    {
        var member = _planet.NewHome(host, name);
        await Controller.AuthorizeAsync(member.Address);
        return member;
    }
}
