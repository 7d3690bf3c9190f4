using System.Runtime.CompilerServices;
using Lanyard.Intercept.Hub;
using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Tests;

/// <summary>The parts of the hub, each tested alone.</summary>
public sealed class HubTests
{
    private const uint User = 1_000;
    private static readonly InetEndpoint Local = InetEndpoint.Parse("10.0.0.1:1000");
    private static readonly InetEndpoint Remote = InetEndpoint.Parse("10.0.0.2:80");

    [Fact]
    public void A_far_end_belongs_to_one_connection_until_that_is_over()
    {
        var addresses = new AddressMap();
        Assert.True(addresses.TryAdd(new ConnectionNames(Local, Remote, new ProgramConnection()), out var first));
        Assert.True(addresses.TryAdd(new ConnectionNames(Local, Remote, new ProgramConnection()), out var second));
        Assert.True(LoopbackAliases.IsFar(first));
        Assert.NotEqual(first, second);
        Assert.Equal(2, addresses.ConnectionCount);
        addresses.Remove(first);
        addresses.Remove(first);
        Assert.Equal(1, addresses.ConnectionCount);
    }

    [Fact]
    public void A_host_name_s_alias_is_one_users()
    {
        var addresses = new AddressMap();
        var address = InetAddress.Parse("fd00::1");
        var alias = addresses.Names.Take(User, address);
        Assert.Equal(alias, addresses.Names.Take(User, address));
        Assert.Equal(address, addresses.Names.Resolve(User, alias));
        Assert.Equal(alias, addresses.Names.Resolve(User + 1, alias));
    }

    [Fact]
    public void Settings_of_the_oldest_unbound_socket_are_dropped_first()
    {
        const ulong limit = 1_024;
        var table = new DatagramTable();
        for (var cookie = 0UL; cookie <= limit; cookie++)
            table.PendingOf(cookie).Outgoing = cookie;
        Assert.False(table.IsPending(0));
        Assert.True(table.IsPending(1));
        Assert.Equal(limit, table.PendingOf(limit).Outgoing);
    }

    [Fact]
    public void A_socket_has_its_port_until_its_program_closes_it()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Skip("Programs' sockets are redirected on Linux only.");
        using var probe = new SocketProbe();
        var table = new SocketTable(new AddressMap(), probe, new DatagramTable(), SocketTokenKey.Create());
        var descriptor = new SocketDescriptor(Libc.Socket(Libc.DomainV4, Libc.StreamType | Libc.CloseOnExec, 0));
        ProgramSocket? socket;
        lock (table.Lock)
        {
            Assert.Equal(0, table.TryMake(descriptor, new InetEndpoint(InetAddress.AnyV4, 80), new SocketOwner(User, 0), SocketTraits.None, out socket));
            Assert.True(LoopbackAliases.IsNear(socket!.Near.Address));
            Assert.Same(socket, table.Find(descriptor));
            Assert.True(table.IsTaken(InterceptSocketType.Stream, Remote, SocketTraits.None, User + 1));
            Assert.False(table.IsTaken(InterceptSocketType.Datagram, Remote, SocketTraits.None, User + 1));
        }

        Assert.True(table.KeepIfAlive(socket));
        descriptor.Dispose();
        Assert.False(table.KeepIfAlive(socket));
        lock (table.Lock)
        {
            Assert.Empty(table.All);
            Assert.False(table.IsTaken(InterceptSocketType.Stream, Remote, SocketTraits.None, User + 1));
        }
    }

    [Theory]
    [InlineData(Libc.StreamType)]
    [InlineData(Libc.DatagramType)]
    public void The_sockets_of_programs_use_one_port_of_the_system_s_networks(int type)
    {
        if (!OperatingSystem.IsLinux())
            Assert.Skip("Programs' sockets are redirected on Linux only.");
        using var probe = new SocketProbe();
        var table = new SocketTable(new AddressMap(), probe, new DatagramTable(), SocketTokenKey.Create());
        var descriptors = new List<SocketDescriptor>();
        var ports = new HashSet<int>();
        for (var i = 0; i < 64; i++)
        {
            descriptors.Add(new SocketDescriptor(Libc.Socket(Libc.DomainV4, type | Libc.CloseOnExec, 0)));
            Assert.Equal(0, Make(table, descriptors[i], out var socket));
            ports.Add(socket.Near.Port);
        }

        Assert.Single(ports);
        foreach (var descriptor in descriptors)
            descriptor.Dispose();
        table.Close();
    }

    [Fact]
    public void The_sockets_of_programs_use_another_port_if_a_program_of_the_system_has_theirs()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Skip("Programs' sockets are redirected on Linux only.");
        using var probe = new SocketProbe();
        var table = new SocketTable(new AddressMap(), probe, new DatagramTable(), SocketTokenKey.Create());
        int port;
        using (var first = new SocketDescriptor(Libc.Socket(Libc.DomainV4, Libc.StreamType | Libc.CloseOnExec, 0)))
        {
            Assert.Equal(0, Make(table, first, out var socket));
            port = socket.Near.Port;
        }

        using var other = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Any, port);
        other.Start();
        using var second = new SocketDescriptor(Libc.Socket(Libc.DomainV4, Libc.StreamType | Libc.CloseOnExec, 0));
        Assert.Equal(0, Make(table, second, out var moved));
        Assert.NotEqual(port, moved.Near.Port);
        other.Stop();
        table.Close();
    }

    [Fact]
    public void Messages_have_the_sizes_that_C_asserts()
    {
        Assert.Equal(24, Unsafe.SizeOf<InterceptEndpoint>());
        Assert.Equal(52, Unsafe.SizeOf<InterceptInterface>());
        Assert.Equal(96, Unsafe.SizeOf<InterceptRequest>());
        Assert.Equal(104, Unsafe.SizeOf<InterceptReply>());
    }

    [Theory]
    [InlineData("10.0.0.2", "::ffff:10.0.0.2")]
    [InlineData("fd00::2", "fd00::2")]
    public void An_IPv4_address_in_an_IPv6_one_counts_as_IPv4(string expected, string written)
    {
        var message = new InterceptEndpoint { Family = 6, Port = 80 };
        System.Net.IPAddress.Parse(written).TryWriteBytes(message.Address, out _);
        Assert.True(message.TryRead(out var read));
        Assert.Equal(new InetEndpoint(InetAddress.Parse(expected), 80), read);
    }

    private static int Make(SocketTable table, SocketDescriptor descriptor, out ProgramSocket socket)
    {
        lock (table.Lock)
        {
            var error = table.TryMake(descriptor, new InetEndpoint(InetAddress.AnyV4, 80), new SocketOwner(User, 0), SocketTraits.None, out var made);
            socket = made!;
            return error;
        }
    }
}
