using Lanyard.Engine.Networks;
using Lanyard.Engine.Rules;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Engine.Members;

/// <summary>
/// What another member of a network has shown of its credentials. It is forgotten with the member, which then shows them again; what was revoked of
/// them is not (<see cref="Revocations"/>).
/// </summary>
internal sealed class Membership(VirtualNetwork network, NodeAddress address) : IRuleCredentials
{
    private const int MaxOfAKind = 128;

    private readonly Dictionary<uint, Tag> _tags = [];
    private readonly Dictionary<uint, Capability> _capabilities = [];
    private readonly Dictionary<uint, CertificateOfOwnership> _ownerships = [];
    private Capability[]? _current;
    private int _currentVersion;
    private CertificateOfMembership? _certificate;
    private CertificateOfMembership? _compared;
    private CertificateOfMembership? _comparedOwn;
    private int _comparedVersion;
    private bool _agrees;

    /// <summary>Announces this node's multicast groups to the member, now and then.</summary>
    public RateGate GroupAnnouncement;

    /// <summary>When this node's credentials were last sent to the member; negative if never.</summary>
    public long CredentialsPushedMs { get; set; } = -1;

    /// <summary>The capabilities that count now, by their identifiers. Made anew only after something changed.</summary>
    public ReadOnlySpan<Capability> CurrentCapabilities
    {
        get
        {
            if (_current is null || _currentVersion != network.Revocations.Version)
            {
                _currentVersion = network.Revocations.Version;
                _current = FindCurrent();
            }

            return _current;
        }
    }

    /// <summary>Whether the member's certificate agrees with this node's own.</summary>
    public bool IsMember(NetworkConfig config, Identity member)
    {
        if (config.IsPublic)
            return true;
        if (_certificate is null || config.Membership is not { } own)
            return false;

        // Checked for each frame, and the check takes a hash. The result is valid as long as both certificates are, and nothing is revoked.
        if (!ReferenceEquals(_comparedOwn, own) || !ReferenceEquals(_compared, _certificate) || _comparedVersion != network.Revocations.Version)
        {
            _comparedOwn = own;
            _compared = _certificate;
            _comparedVersion = network.Revocations.Version;
            _agrees = !network.Revocations.Ends(address, _certificate) && own.AgreesWith(_certificate, member);
        }

        return _agrees;
    }

    /// <inheritdoc/>
    public bool TryGetTag(uint id, out uint value)
    {
        var found = _tags.TryGetValue(id, out var tag) && network.Config is { } config && IsCurrent(config, tag);
        value = found ? tag!.Value : 0;
        return found;
    }

    /// <inheritdoc/>
    public bool Owns(InetAddress owned)
    {
        if (network.Config is not { } config)
            return false;
        foreach (var ownership in _ownerships.Values)
        {
            if (ownership.Owns(owned) && IsCurrent(config, ownership))
                return true;
        }

        return (config.Flags & NetworkFlags.NdpEmulation) != 0 && IsDerived(config, owned);
    }

    /// <inheritdoc/>
    public bool Owns(MacAddress owned)
    {
        if (network.Config is not { } config)
            return false;
        foreach (var ownership in _ownerships.Values)
        {
            if (ownership.Owns(owned) && IsCurrent(config, ownership))
                return true;
        }

        return false;
    }

    /// <summary>The network's configuration changed, and with it the window in which credentials count.</summary>
    public void ConfigChanged() => _current = null;

    /// <summary>Whether a credential lies within the time window of this node's configuration and is not revoked.</summary>
    public bool IsCurrent(NetworkConfig config, ICredential credential) =>
        config.CredentialTimeMaxDelta >= 0 && Distance(credential.Timestamp, config.Timestamp) <= (ulong)config.CredentialTimeMaxDelta
        && !network.Revocations.Ends(address, credential);

    // Timestamps are the controller's, whose clock may have been set back. A certificate within the window of this node's certificate then replaces a later one outside of the window.
    public bool Add(CertificateOfMembership certificate, Identity controller)
    {
        if (network.Revocations.Ends(address, certificate)
            || (_certificate is not null && certificate.Timestamp < _certificate.Timestamp && (IsInWindow(_certificate) || !IsInWindow(certificate))))
            return false;
        if (certificate.Equals(_certificate))
            return true;
        if (!certificate.Verify(controller))
            return false;
        _certificate = certificate;
        return true;
    }

    public bool Add(Tag tag, Identity controller) => Add(_tags, tag, controller, static (t, c) => t.Verify(c));

    public bool Add(Capability capability, Identity controller) => Add(_capabilities, capability, controller, static (t, c) => t.Verify(c));

    public bool Add(CertificateOfOwnership ownership, Identity controller) => Add(_ownerships, ownership, controller, static (t, c) => t.Verify(c));

    /// <summary>Check now which credentials a revocation ends: revocations without effect are removed first.</summary>
    public void NoteRevocation(Revocation revocation)
    {
        ICredential? shown = revocation.CredentialType switch
        {
            CredentialType.Membership => _certificate,
            CredentialType.Tag => _tags.GetValueOrDefault(revocation.CredentialId),
            CredentialType.Capability => _capabilities.GetValueOrDefault(revocation.CredentialId),
            CredentialType.Ownership => _ownerships.GetValueOrDefault(revocation.CredentialId),
            _ => null,
        };
        if (shown is not null)
            network.Revocations.Ends(address, shown);
    }

    /// <summary>Forgets credentials that are too old to count.</summary>
    public void Clean(NetworkConfig config)
    {
        Clean(_tags, config);
        Clean(_capabilities, config);
        Clean(_ownerships, config);
    }

    private bool IsInWindow(CertificateOfMembership certificate) =>
        network.Config?.Membership is { } own && Distance(certificate.Timestamp, own.Timestamp) <= own.TimestampMaxDelta;

    // Both times are whatever their signer wrote: the difference of any two fits without a sign.
    private static ulong Distance(long one, long other) => one >= other ? (ulong)one - (ulong)other : (ulong)other - (ulong)one;

    private Capability[] FindCurrent() =>
        network.Config is { } config ? [.. _capabilities.Values.Where(c => IsCurrent(config, c)).OrderBy(c => c.Id)] : [];

    // Under NDP emulation, addresses derived from node addresses belong to those nodes, and no others, by construction.
    private bool IsDerived(NetworkConfig config, InetAddress owned)
    {
        if (!DerivedAddresses.TryGetNode(config.NetworkId, owned, out var node) || node != address)
            return false;
        var sixPlane = DerivedAddresses.SixPlane(config.NetworkId, config.IssuedTo);
        var rfc4193 = DerivedAddresses.Rfc4193(config.NetworkId, config.IssuedTo);
        foreach (var own in config.StaticAddresses)
        {
            if ((own.Address == sixPlane.Address && sixPlane.Contains(owned)) || (own.Address == rfc4193.Address && rfc4193.Contains(owned)))
                return true;
        }

        return false;
    }

    private bool Add<T>(Dictionary<uint, T> known, T credential, Identity controller, Func<T, Identity, bool> verify)
        where T : class, ICredential
    {
        if (known.TryGetValue(credential.Id, out var old))
        {
            if (old.Timestamp > credential.Timestamp && !(network.Config is { } config && !IsCurrent(config, old) && IsCurrent(config, credential)))
                return false;
            if (old.Equals(credential))
                return true;
        }

        if (network.Revocations.Ends(address, credential))
            return false;
        if ((old is null && known.Count >= MaxOfAKind) || !verify(credential, controller))
            return false;
        known[credential.Id] = credential;
        _current = null;
        return true;
    }

    private void Clean<T>(Dictionary<uint, T> known, NetworkConfig config)
        where T : class, ICredential
    {
        foreach (var (id, credential) in known.ToArray())
        {
            if (!IsCurrent(config, credential))
                known.Remove(id);
        }
    }
}
