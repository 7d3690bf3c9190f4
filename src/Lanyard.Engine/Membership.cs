using Lanyard.Engine.Rules;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Engine;

/// <summary>What another member of a network has shown of its credentials, and what has been revoked of them.</summary>
internal sealed class Membership(VirtualNetwork network) : IRuleCredentials
{
    private const int MaxOfAKind = 128;

    private readonly Dictionary<uint, Tag> _tags = [];
    private readonly Dictionary<uint, Capability> _capabilities = [];
    private readonly Dictionary<uint, CertificateOfOwnership> _ownerships = [];
    private readonly Dictionary<(CredentialType, uint), long> _revoked = [];
    private Capability[]? _current;
    private CertificateOfMembership? _certificate;
    private CertificateOfMembership? _compared;
    private CertificateOfMembership? _comparedOwn;
    private bool _agrees;
    private long _certificateThreshold = long.MinValue;

    /// <summary>Announces this node's multicast groups to the member, now and then.</summary>
    public RateGate GroupAnnouncement;

    /// <summary>When this node's credentials were last sent to the member; negative if never.</summary>
    public long CredentialsPushedMs { get; set; } = -1;

    /// <summary>The capabilities that count now, by their identifiers. Made anew only after something changed.</summary>
    public ReadOnlySpan<Capability> CurrentCapabilities => _current ??= FindCurrent();

    /// <summary>Whether the member's certificate agrees with this node's own.</summary>
    public bool IsMember(NetworkConfig config, Identity member)
    {
        if (config.IsPublic)
            return true;
        if (_certificate is null || _certificate.Timestamp <= _certificateThreshold || config.Membership is not { } own)
            return false;

        // Asked for every frame, and the answer takes a hash: it holds as long as both certificates do.
        if (!ReferenceEquals(_comparedOwn, own) || !ReferenceEquals(_compared, _certificate))
        {
            _comparedOwn = own;
            _compared = _certificate;
            _agrees = own.AgreesWith(_certificate, member);
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
    public bool Owns(InetAddress address)
    {
        if (network.Config is not { } config)
            return false;
        foreach (var ownership in _ownerships.Values)
        {
            if (IsCurrent(config, ownership) && ownership.Owns(address))
                return true;
        }

        return (config.Flags & NetworkFlags.NdpEmulation) != 0 && IsDerived(config, address);
    }

    /// <inheritdoc/>
    public bool Owns(MacAddress address)
    {
        if (network.Config is not { } config)
            return false;
        foreach (var ownership in _ownerships.Values)
        {
            if (IsCurrent(config, ownership) && ownership.Owns(address))
                return true;
        }

        return false;
    }

    /// <summary>The network's configuration changed, and with it the window in which credentials count.</summary>
    public void ConfigChanged() => _current = null;

    /// <summary>Whether a credential lies within the time window of this node's configuration and is not revoked.</summary>
    public bool IsCurrent(NetworkConfig config, ICredential credential) =>
        Math.Abs(credential.Timestamp - config.Timestamp) <= config.CredentialTimeMaxDelta
        && !(_revoked.TryGetValue((credential.Type, credential.Id), out var threshold) && credential.Timestamp <= threshold);

    public bool Add(CertificateOfMembership certificate, Identity controller)
    {
        if (certificate.Timestamp <= _certificateThreshold || (_certificate is not null && certificate.Timestamp < _certificate.Timestamp))
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

    /// <summary>Takes a revocation whose signature was checked. True if it was news.</summary>
    public bool Revoke(Revocation revocation)
    {
        if (revocation.CredentialType == CredentialType.Membership)
        {
            if (revocation.Threshold <= _certificateThreshold)
                return false;
            _certificateThreshold = revocation.Threshold;
            return true;
        }

        var key = (revocation.CredentialType, revocation.CredentialId);
        if ((_revoked.TryGetValue(key, out var threshold) && revocation.Threshold <= threshold) || _revoked.Count >= MaxOfAKind * 3)
            return false;
        _revoked[key] = revocation.Threshold;
        _current = null;
        return true;
    }

    /// <summary>Forgets credentials that are too old to count.</summary>
    public void Clean(NetworkConfig config)
    {
        Clean(_tags, config);
        Clean(_capabilities, config);
        Clean(_ownerships, config);
    }

    private Capability[] FindCurrent() =>
        network.Config is { } config ? [.. _capabilities.Values.Where(c => IsCurrent(config, c)).OrderBy(c => c.Id)] : [];

    // Under NDP emulation, addresses derived from node addresses belong to those nodes by construction.
    private static bool IsDerived(NetworkConfig config, InetAddress address)
    {
        var sixPlane = DerivedAddresses.SixPlane(config.NetworkId, config.IssuedTo);
        var rfc4193 = DerivedAddresses.Rfc4193(config.NetworkId, config.IssuedTo);
        foreach (var own in config.StaticAddresses)
        {
            if ((own.Address == sixPlane.Address && sixPlane.Contains(address)) || (own.Address == rfc4193.Address && rfc4193.Contains(address)))
                return true;
        }

        return false;
    }

    private bool Add<T>(Dictionary<uint, T> known, T credential, Identity controller, Func<T, Identity, bool> verify)
        where T : class, ICredential
    {
        if (known.TryGetValue(credential.Id, out var old))
        {
            if (old.Timestamp > credential.Timestamp)
                return false;
            if (old.Equals(credential))
                return true;
        }

        if (_revoked.TryGetValue((credential.Type, credential.Id), out var threshold) && threshold >= credential.Timestamp)
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
