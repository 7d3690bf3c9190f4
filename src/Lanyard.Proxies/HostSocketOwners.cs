using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Lanyard.Primitives;

namespace Lanyard.Proxies;

/// <summary>
/// A snapshot of this machine's sockets with their users (<c>proc_net_tcp(5)</c> and similar files). It tells which user is at the other end of a loopback connection,
/// or sent a loopback datagram.
/// </summary>
/// <remarks>Linux only. The port alone does not identify a program: any user can bind a free port first.</remarks>
internal sealed class HostSocketOwners
{
    /// <summary>A TCP socket that listens.</summary>
    public const byte Listening = 10; // TCP_LISTEN

    private const int LocalField = 1;
    private const int RemoteField = 2;
    private const int StateField = 3;
    private const int UserField = 7;
    private const int InodeField = 9;

    private static readonly TimeSpan RecentAge = TimeSpan.FromSeconds(1);
    private static readonly object s_lock = new();
    private static HostSocketOwners? s_recentUdp;

    private readonly List<HostSocket> _sockets = [];

    private HostSocketOwners()
    {
    }

    /// <summary>The time of the snapshot, as a <see cref="Stopwatch.GetTimestamp"/> value.</summary>
    public long Timestamp { get; } = Stopwatch.GetTimestamp();

    /// <summary>The sockets of all programs.</summary>
    public IReadOnlyList<HostSocket> Sockets => _sockets;

    /// <summary>Asks about TCP.</summary>
    /// <returns>Null where the system does not say.</returns>
    public static HostSocketOwners? TryReadTcp() => TryRead("tcp");

    /// <summary>Asks about UDP.</summary>
    /// <returns>Null where the system does not say.</returns>
    public static HostSocketOwners? TryReadUdp() => TryRead("udp");

    /// <summary>As <see cref="TryReadUdp"/>, or what was told within the last second: however many ask.</summary>
    public static HostSocketOwners? TryReadRecentUdp()
    {
        lock (s_lock)
        {
            if (s_recentUdp is null || Stopwatch.GetTimestamp() - s_recentUdp.Timestamp > RecentAge.TotalSeconds * Stopwatch.Frequency)
                s_recentUdp = TryReadUdp();
            return s_recentUdp;
        }
    }

    /// <summary>Finds the user at this end of a TCP connection.</summary>
    /// <returns>Null where this machine has no such end, or its program has closed it.</returns>
    public uint? FindUser(InetEndpoint local, InetEndpoint remote)
    {
        foreach (var socket in _sockets)
        {
            if (socket.Local == local && socket.Remote == remote && socket.Inode != 0)
                return socket.User;
        }

        return null;
    }

    /// <summary>Finds the user who can have sent a datagram from an address and port of this machine.</summary>
    /// <returns>Null where there is no such socket, or where there are several users'.</returns>
    public uint? FindSender(InetEndpoint source)
    {
        uint? user = null;
        foreach (var socket in _sockets)
        {
            if (socket.Local.Port != source.Port || (socket.Local.Address != source.Address && !socket.Local.Address.IsUnspecified))
                continue;
            if (user is { } other && other != socket.User)
                return null;
            user = socket.User;
        }

        return user;
    }

    private static HostSocketOwners? TryRead(string protocol)
    {
        if (!RuntimeInformation.IsOSPlatform(OSPlatform.Linux))
            return null;
        var owners = new HostSocketOwners();
        try
        {
            foreach (var line in File.ReadLines($"/proc/net/{protocol}"))
                owners.Add(line);
            // A system without IPv6 has no such file.
            if (File.Exists($"/proc/net/{protocol}6"))
            {
                foreach (var line in File.ReadLines($"/proc/net/{protocol}6"))
                    owners.Add(line);
            }

            return owners;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private void Add(string line)
    {
        var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (fields.Length > InodeField && TryParse(fields[LocalField], out var local) && TryParse(fields[RemoteField], out var remote)
            && byte.TryParse(fields[StateField], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var state)
            && uint.TryParse(fields[UserField], NumberStyles.None, CultureInfo.InvariantCulture, out var user)
            && ulong.TryParse(fields[InodeField], NumberStyles.None, CultureInfo.InvariantCulture, out var inode))
            _sockets.Add(new HostSocket(local, remote, state, user, inode));
    }

    // Words of four bytes as numbers of this machine, and the port as a number.
    private static bool TryParse(string text, out InetEndpoint endpoint)
    {
        const int WordDigits = 8;
        endpoint = default;
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon is not (WordDigits or 4 * WordDigits)
            || !ushort.TryParse(text[(colon + 1)..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var port))
            return false;
        var bytes = new byte[colon / 2];
        for (var i = 0; i < colon; i += WordDigits)
        {
            if (!uint.TryParse(text.AsSpan(i, WordDigits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var word))
                return false;
            BitConverter.TryWriteBytes(bytes.AsSpan(i / 2), word);
        }

        // One of both families has an IPv4 peer under an address of IPv6.
        var address = new System.Net.IPAddress(bytes);
        endpoint = new InetEndpoint(InetAddress.FromIPAddress(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address), port);
        return true;
    }
}

/// <summary>A socket of this machine.</summary>
/// <param name="Local">Its own address and port.</param>
/// <param name="Remote">Its peer's.</param>
/// <param name="State">Its state, as the system numbers them.</param>
/// <param name="User">The user of the socket.</param>
/// <param name="Inode">The system's number for it; 0 where no program has it: not yet accepted, or closed.</param>
internal readonly record struct HostSocket(InetEndpoint Local, InetEndpoint Remote, byte State, uint User, ulong Inode);
