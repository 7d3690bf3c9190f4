using Lanyard.Primitives;

namespace Lanyard.NetStack;

/// <summary>A neighbor claims an address of this host.</summary>
/// <param name="Address">The address.</param>
/// <param name="Other">The Ethernet address that claims it.</param>
/// <param name="IsLost">Whether this host has given the address up. If not, it continues to use and defend the address.</param>
public readonly record struct AddressConflict(InetAddress Address, MacAddress Other, bool IsLost);

/// <summary>Hears of neighbors that claim an address of a host (RFC 4862, RFC 5227).</summary>
/// <remarks>Called from inside calls into the host; must not call back into it, and must not throw. At most once in ten seconds for one
/// address that is kept.</remarks>
public interface IAddressObserver
{
    /// <summary>There is a conflict.</summary>
    /// <param name="conflict">The address, the other host and the result.</param>
    void OnConflict(AddressConflict conflict);
}
