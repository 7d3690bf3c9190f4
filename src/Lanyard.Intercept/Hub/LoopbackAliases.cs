using System.Security.Cryptography;
using Lanyard.Intercept.Protocol;
using Lanyard.Primitives;

namespace Lanyard.Intercept.Hub;

/// <summary>
/// Allocates loopback alias addresses: each socket of a program has one of its own, and so has the peer of each connection. Guarded by the
/// lock of <see cref="SocketTable"/>.
/// </summary>
internal sealed class LoopbackAliases
{
    /// <summary>The first alias address of far ends.</summary>
    public const uint FarFirst = InterceptProtocol.FarFirst;

    /// <summary>The netmask of both ranges.</summary>
    public const uint RangeMask = InterceptProtocol.RangeMask;

    private const uint NearFirst = InterceptProtocol.NearFirst;
    private const uint RangeSize = ~RangeMask + 1;

    // Below the system's ephemeral ports. All alias addresses use one port: a program of this machine that binds the port on the wildcard address fails.
    private const int FirstPort = 20_000;
    private const int EndPort = 32_000;

    // Half of a range, so that finding a free address takes few steps.
    private const int MaxReserved = (int)RangeSize / 2;

    private readonly HashSet<uint> _reserved = [];
    private int _nearCount;
    private int _farCount;
    private uint _near = (uint)RandomNumberGenerator.GetInt32((int)RangeSize);
    private uint _far = (uint)RandomNumberGenerator.GetInt32((int)RangeSize);
    private ushort _nearPort = ChoosePort();

    public static bool IsNear(InetAddress address) => address.IsV4 && (address.V4 & RangeMask) == NearFirst;

    public static bool IsFar(InetAddress address) => address.IsV4 && (address.V4 & RangeMask) == FarFirst;

    /// <summary>Reserves a free address and port for a program's socket.</summary>
    public bool TryTakeNear(out InetEndpoint near)
    {
        var isTaken = TryTake(NearFirst, ref _near, ref _nearCount, out var address);
        near = new InetEndpoint(address, _nearPort);
        return isTaken;
    }

    /// <summary>Chooses another port for programs' sockets, because a program of this machine has the current one.</summary>
    public void ChangeNearPort() => _nearPort = ChoosePort();

    /// <summary>Reserves a free address for a far end.</summary>
    public bool TryTakeFar(out InetAddress far) => TryTake(FarFirst, ref _far, ref _farCount, out far);

    /// <summary>Reserves an address that the previous service process used. Returns false if it is in use.</summary>
    public bool TryTake(InetAddress near)
    {
        if (_nearCount >= MaxReserved || !_reserved.Add(near.V4))
            return false;
        _nearCount++;
        return true;
    }

    public void Release(InetAddress address)
    {
        if (!_reserved.Remove(address.V4))
            return;
        if (IsNear(address))
            _nearCount--;
        else
            _farCount--;
    }

    private static ushort ChoosePort() => (ushort)RandomNumberGenerator.GetInt32(FirstPort, EndPort);

    // Addresses are allocated in turn, because programs may still cache the meaning of a released address.
    private bool TryTake(uint first, ref uint last, ref int count, out InetAddress taken)
    {
        taken = default;
        if (count >= MaxReserved)
            return false;
        count++;
        while (true)
        {
            last = (last + 1) % RangeSize;
            var address = first | last;
            if ((byte)address is not (0 or 255) && _reserved.Add(address))
            {
                taken = InetAddress.FromV4(address);
                return true;
            }
        }
    }
}
