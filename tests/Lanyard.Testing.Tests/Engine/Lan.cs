using Lanyard.Engine;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Testing.Tests;

/// <summary>An internet with a root that is also the controller of one network.</summary>
internal sealed class Lan
{
    public Lan(ulong seed = 1, LinkOptions? link = null)
    {
        Internet = new SimulatedInternet(seed, link);
        var identity = Internet.CreateIdentity();
        var host = Internet.AddHost();
        using var key = WorldKey.Generate(Internet.Fill);
        Planet = World.Create(WorldType.Planet, 1, Internet.NowMs, key.PublicKey, [new WorldRoot(identity.WithoutSecret(), [new InetEndpoint(host.Address, 9993)])], key);
        Root = host.Start(identity, Planet);
        Controller = new OpenController(identity);
        Root.Node.Controller = Controller;
        Controller.Send = message => Internet.At(Internet.NowMicroseconds, () => Send(message));
        Network = Controller.Network(1);
    }

    public SimulatedInternet Internet { get; }

    public World Planet { get; }

    public SimulatedNode Root { get; private set; }

    public OpenController Controller { get; }

    public NetworkId Network { get; }

    /// <summary>Kills the root and starts it again with its saved state. Its controller keeps its members.</summary>
    public void RestartRoot()
    {
        Root.Kill();
        Root = Root.Host.Start(Root.Node.Identity, Planet, state: Root.State);
        Root.Node.Controller = Controller;
    }

    /// <summary>Sends a message of the controller.</summary>
    public void Send(ControllerMessage message)
    {
        Root.Node.Send(Internet.NowMs, message);
        Root.Wake();
    }

    public SimulatedNode AddLeaf(SimulatedNat? nat = null) => Internet.AddHost(nat).Start(planet: Planet);

    public SimulatedPort AddMember(out SimulatedNode node, SimulatedNat? nat = null)
    {
        node = AddLeaf(nat);
        return node.Join(Network);
    }

    /// <summary>Sends a frame of random bytes and says whether it arrives within a time.</summary>
    public bool Delivers(SimulatedNode from, SimulatedPort fromPort, SimulatedPort toPort, int length = 100, int tries = 1)
    {
        var frame = new byte[length];
        Internet.Fill(frame);
        var arrived = false;
        toPort.FrameTap = (_, _, type, bytes) => arrived |= type == 0x88b5 && bytes.AsSpan().SequenceEqual(frame);
        for (var i = 0; i < tries && !arrived; i++)
        {
            var buffer = new byte[Node.FrameHeadroom + length + Node.FrameTailroom];
            frame.CopyTo(buffer, Node.FrameHeadroom);
            from.Node.SendFrame(Internet.NowMs, fromPort.Network, new OutgoingFrame
            {
                Source = fromPort.Network.Mac, Destination = toPort.Network.Mac, EtherType = 0x88b5, Buffer = buffer, Start = Node.FrameHeadroom, Length = length,
            });
            from.Wake();
            Internet.RunUntil(() => arrived, TimeSpan.FromSeconds(2));
        }

        toPort.FrameTap = null;
        return arrived;
    }
}
