using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Lanyard.Primitives;

namespace Lanyard.Wire;

// The configuration as a dictionary: first readable fields, then binary fields. The form before version 6, with all fields as text,
// is neither read nor written: no node from 1.2 on requests it.
public sealed partial record NetworkConfig
{
    /// <summary>The version of the form that is written.</summary>
    public const ulong FormatVersion = 7;

    private const ulong OldestFormatVersion = 6;
    private const int UrlLength = 2047;

    private delegate void FieldWriter(ref ByteWriter writer);

    private delegate bool ItemReader<T>(ref ByteReader reader, [NotNullWhen(true)] out T? item) where T : class;

    private static class Key
    {
        public const string Version = "v";
        public const string NetworkId = "nwid";
        public const string Timestamp = "ts";
        public const string CredentialTimeMaxDelta = "ctmd";
        public const string Revision = "r";
        public const string IssuedTo = "id";
        public const string RemoteTraceTarget = "tt";
        public const string RemoteTraceLevel = "tl";
        public const string Flags = "f";
        public const string MulticastLimit = "ml";
        public const string Type = "t";
        public const string Name = "n";
        public const string Mtu = "mtu";
        public const string Membership = "C";
        public const string Capabilities = "CAP";
        public const string Tags = "TAG";
        public const string CertificatesOfOwnership = "COO";
        public const string Specialists = "S";
        public const string Routes = "RT";
        public const string StaticAddresses = "I";
        public const string Rules = "R";
        public const string Dns = "DNS";
        public const string SsoVersion = "ssov";
        public const string SsoEnabled = "ssoe";
        public const string SsoAuthenticationUrl = "aurl";
        public const string SsoAuthenticationExpiry = "aexpt";
        public const string SsoIssuerUrl = "iurl";
        public const string SsoCentralUrl = "ssoce";
        public const string SsoNonce = "sson";
        public const string SsoState = "ssos";
        public const string SsoClientId = "ssocid";
        public const string SsoProvider = "ssop";
    }

    /// <summary>Reads a configuration. The signatures of the credentials in it are not checked.</summary>
    /// <param name="text">The dictionary.</param>
    /// <param name="config">The configuration.</param>
    /// <returns>
    /// False if the network or member is missing, the form is older than version 6, or a field is malformed. Items beyond the limits of
    /// <see cref="NetworkLimits"/> are ignored; capabilities and tags before a malformed one are kept.
    /// </returns>
    public static bool TryParse(ReadOnlySpan<byte> text, [NotNullWhen(true)] out NetworkConfig? config)
    {
        config = null;
        var dictionary = new DictionaryReader(text);
        var network = new NetworkId(dictionary.GetNumber(Key.NetworkId));
        var issuedTo = new NodeAddress(dictionary.GetNumber(Key.IssuedTo) & 0xff_ffff_ffff);
        if (text.Length > NetworkLimits.ConfigLength || network.IsNone || issuedTo.IsNone
            || dictionary.GetNumber(Key.Version) < OldestFormatVersion)
            return false;
        var complete = TryReadMembership(dictionary, out var membership);
        complete &= TryReadItems<CertificateOfOwnership>(
            dictionary, Key.CertificatesOfOwnership, CertificateOfOwnership.TryRead, NetworkLimits.CertificatesOfOwnership, out var ownership);
        complete &= TryReadRoutes(dictionary, out var routes);
        complete &= TryReadAddresses(dictionary, out var addresses);
        complete &= TryReadRules(dictionary, out var rules);
        complete &= TryReadDns(dictionary, out var dns);
        if (!complete)
            return false;
        TryReadItems<Capability>(dictionary, Key.Capabilities, Capability.TryRead, NetworkLimits.Capabilities, out var capabilities);
        TryReadItems<Tag>(dictionary, Key.Tags, Tag.TryRead, NetworkLimits.Tags, out var tags);
        config = new NetworkConfig
        {
            NetworkId = network,
            IssuedTo = issuedTo,
            Timestamp = (long)dictionary.GetNumber(Key.Timestamp),
            CredentialTimeMaxDelta = (long)dictionary.GetNumber(Key.CredentialTimeMaxDelta),
            Revision = dictionary.GetNumber(Key.Revision),
            RemoteTraceTarget = new NodeAddress(dictionary.GetNumber(Key.RemoteTraceTarget) & 0xff_ffff_ffff),
            RemoteTraceLevel = dictionary.GetNumber(Key.RemoteTraceLevel),
            Flags = (NetworkFlags)dictionary.GetNumber(Key.Flags),
            MulticastLimit = (uint)dictionary.GetNumber(Key.MulticastLimit),
            Type = dictionary.GetNumber(Key.Type) == (ulong)NetworkType.Public ? NetworkType.Public : NetworkType.Private,
            Name = dictionary.GetText(Key.Name, NetworkLimits.NameLength),
            Mtu = (int)Math.Clamp(dictionary.GetNumber(Key.Mtu, NetworkLimits.DefaultMtu), NetworkLimits.MinMtu, NetworkLimits.MaxMtu),
            Membership = membership,
            Capabilities = capabilities.OrderBy(capability => capability.Id).ToEquatableArray(),
            Tags = tags.OrderBy(tag => tag.Id).ToEquatableArray(),
            CertificatesOfOwnership = ownership.ToEquatableArray(),
            Specialists = ReadSpecialists(dictionary),
            Routes = routes,
            StaticAddresses = addresses,
            Rules = rules,
            Dns = dns,
            Sso = ReadSso(dictionary),
        };
        return true;
    }

    /// <summary>Writes the configuration as a dictionary, byte for byte as the protocol's controllers do.</summary>
    /// <returns>False if it is longer than <see cref="NetworkLimits.ConfigLength"/>, or has a DNS domain that is too long.</returns>
    public bool TryWrite([NotNullWhen(true)] out byte[]? text)
    {
        var dictionary = new DictionaryWriter(NetworkLimits.ConfigLength);
        dictionary.Add(Key.Version, FormatVersion);
        dictionary.Add(Key.NetworkId, NetworkId.Value);
        // As they are read: without a sign.
        dictionary.Add(Key.Timestamp, (ulong)Timestamp);
        dictionary.Add(Key.CredentialTimeMaxDelta, (ulong)CredentialTimeMaxDelta);
        dictionary.Add(Key.Revision, Revision);
        dictionary.Add(Key.IssuedTo, IssuedTo);
        dictionary.Add(Key.RemoteTraceTarget, RemoteTraceTarget);
        dictionary.Add(Key.RemoteTraceLevel, RemoteTraceLevel);
        dictionary.Add(Key.Flags, (ulong)Flags);
        dictionary.Add(Key.MulticastLimit, (ulong)MulticastLimit);
        dictionary.Add(Key.Type, (ulong)Type);
        dictionary.Add(Key.Name, Name);
        dictionary.Add(Key.Mtu, (ulong)Mtu);
        var buffer = ArrayPool<byte>.Shared.Rent(NetworkLimits.ConfigLength);
        var complete = AddField(dictionary, buffer, Key.Membership, WriteMembership)
            && AddField(dictionary, buffer, Key.Capabilities, WriteCapabilities)
            && AddField(dictionary, buffer, Key.Tags, WriteTags)
            && AddField(dictionary, buffer, Key.CertificatesOfOwnership, WriteCertificatesOfOwnership)
            && AddField(dictionary, buffer, Key.Specialists, WriteSpecialists)
            && AddField(dictionary, buffer, Key.Routes, WriteRoutes)
            && AddField(dictionary, buffer, Key.StaticAddresses, WriteAddresses)
            && AddField(dictionary, buffer, Key.Rules, WriteRules)
            && AddField(dictionary, buffer, Key.Dns, WriteDns);
        ArrayPool<byte>.Shared.Return(buffer);
        WriteSso(dictionary);
        text = complete && !dictionary.Overflowed ? dictionary.ToArray() : null;
        return text is not null;
    }

    private static bool TryReadMembership(DictionaryReader dictionary, out CertificateOfMembership? membership)
    {
        membership = null;
        if (!dictionary.TryGetBytes(Key.Membership, out var bytes))
            return true;
        var reader = new ByteReader(bytes);
        if (!CertificateOfMembership.TryRead(ref reader, out var certificate))
            return false;
        membership = certificate.Qualifiers.IsEmpty ? null : certificate;
        return true;
    }

    // Reads items up to the field's end, the limit or a malformed item. Returns whether no item was malformed.
    private static bool TryReadItems<T>(DictionaryReader dictionary, string key, ItemReader<T> read, int limit, out List<T> items)
        where T : class
    {
        items = [];
        if (!dictionary.TryGetBytes(key, out var bytes))
            return true;
        var reader = new ByteReader(bytes);
        while (reader.Remaining > 0 && items.Count < limit)
        {
            if (!read(ref reader, out var item))
                return false;
            items.Add(item);
        }

        return true;
    }

    private static EquatableArray<NetworkSpecialist> ReadSpecialists(DictionaryReader dictionary)
    {
        var specialists = new List<NetworkSpecialist>();
        dictionary.TryGetBytes(Key.Specialists, out var bytes);
        var reader = new ByteReader(bytes);
        while (reader.Remaining >= 8 && specialists.Count < NetworkLimits.Specialists)
            specialists.Add(NetworkSpecialist.FromValue(reader.ReadUInt64()));
        return specialists.ToEquatableArray();
    }

    private void WriteSpecialists(ref ByteWriter writer)
    {
        foreach (ref readonly var specialist in Specialists)
            writer.WriteUInt64(specialist.Value);
    }

    private static bool TryReadRoutes(DictionaryReader dictionary, out EquatableArray<NetworkRoute> routes)
    {
        var list = new List<NetworkRoute>();
        dictionary.TryGetBytes(Key.Routes, out var bytes);
        var reader = new ByteReader(bytes);
        while (reader.Remaining > 0 && list.Count < NetworkLimits.Routes)
            list.Add(new NetworkRoute(reader.ReadPrefix(), reader.ReadEndpoint().Address, reader.ReadUInt16(), reader.ReadUInt16()));
        routes = list.ToEquatableArray();
        return !reader.Failed;
    }

    private void WriteRoutes(ref ByteWriter writer)
    {
        foreach (ref readonly var route in Routes)
        {
            writer.WritePrefix(route.Target);
            writer.WriteEndpoint(new InetEndpoint(route.Via, 0));
            writer.WriteUInt16(route.Flags);
            writer.WriteUInt16(route.Metric);
        }
    }

    private static bool TryReadAddresses(DictionaryReader dictionary, out EquatableArray<InetPrefix> addresses)
    {
        var list = new List<InetPrefix>();
        dictionary.TryGetBytes(Key.StaticAddresses, out var bytes);
        var reader = new ByteReader(bytes);
        while (reader.Remaining > 0 && list.Count < NetworkLimits.Addresses)
        {
            // Skips kinds of addresses that are not IP.
            if (reader.ReadPrefix() is { Address.Family: not InetFamily.None } address)
                list.Add(address);
        }

        addresses = list.ToEquatableArray();
        return !reader.Failed;
    }

    private void WriteAddresses(ref ByteWriter writer)
    {
        foreach (ref readonly var address in StaticAddresses)
            writer.WritePrefix(address);
    }

    private static bool TryReadRules(DictionaryReader dictionary, out EquatableArray<Rule> rules)
    {
        dictionary.TryGetBytes(Key.Rules, out var bytes);
        var reader = new ByteReader(bytes);
        rules = Rule.ReadAll(ref reader, NetworkLimits.Rules);
        return !reader.Failed;
    }

    // The domain, padded with zeros to 128 bytes, and four addresses; all zeros means none.
    private static bool TryReadDns(DictionaryReader dictionary, out NetworkDns? dns)
    {
        dns = null;
        if (!dictionary.TryGetBytes(Key.Dns, out var bytes))
            return true;
        var reader = new ByteReader(bytes);
        var domain = reader.ReadBytes(NetworkLimits.DnsDomainLength);
        reader.Skip(1);
        var servers = new List<InetAddress>(NetworkLimits.DnsServers);
        for (var i = 0; i < NetworkLimits.DnsServers; i++)
        {
            if (reader.ReadEndpoint() is { IsNone: false } server)
                servers.Add(server.Address);
        }

        if (reader.Failed)
            return false;
        var end = domain.IndexOf((byte)0);
        var name = DictionaryReader.DecodeText(end < 0 ? domain : domain[..end], NetworkLimits.DnsDomainLength);
        if (name.Length > 0 || servers.Count > 0)
            dns = new NetworkDns(name, servers.ToEquatableArray());
        return true;
    }

    private void WriteDns(ref ByteWriter writer)
    {
        var domain = Encoding.UTF8.GetBytes(Dns?.Domain ?? "");
        if (domain.Length > NetworkLimits.DnsDomainLength || Dns?.Servers.Count > NetworkLimits.DnsServers)
            writer.Fail();
        writer.WriteBytes(domain);
        writer.WriteZeros(NetworkLimits.DnsDomainLength + 1 - domain.Length);
        for (var i = 0; i < NetworkLimits.DnsServers; i++)
            writer.WriteEndpoint(Dns is { } dns && i < dns.Servers.Count ? new InetEndpoint(dns.Servers[i], 0) : default);
    }

    private static NetworkSso ReadSso(DictionaryReader dictionary)
    {
        var version = dictionary.GetNumber(Key.SsoVersion);
        if (version > 1 || !dictionary.GetBoolean(Key.SsoEnabled))
            return new NetworkSso { Version = version };
        var url = dictionary.GetText(Key.SsoAuthenticationUrl, UrlLength);
        var sso = new NetworkSso { Version = version, IsEnabled = true, AuthenticationUrl = url };
        if (version == 0)
            return sso with { AuthenticationExpiry = dictionary.GetSignedNumber(Key.SsoAuthenticationExpiry) };
        var provider = dictionary.GetText(Key.SsoProvider, 63);
        return sso with
        {
            IssuerUrl = dictionary.GetText(Key.SsoIssuerUrl, UrlLength),
            CentralUrl = dictionary.GetText(Key.SsoCentralUrl, UrlLength),
            Nonce = dictionary.GetText(Key.SsoNonce, 127),
            State = dictionary.GetText(Key.SsoState, 255),
            ClientId = dictionary.GetText(Key.SsoClientId, 255),
            Provider = provider.Length > 0 ? provider : sso.Provider,
        };
    }

    private void WriteSso(DictionaryWriter dictionary)
    {
        if (Sso.Version > 1)
            return;
        dictionary.Add(Key.SsoVersion, Sso.Version);
        dictionary.Add(Key.SsoEnabled, Sso.IsEnabled);
        if (Sso.Version == 0)
        {
            if (!Sso.IsEnabled)
                return;
            if (Sso.AuthenticationUrl.Length > 0)
                dictionary.Add(Key.SsoAuthenticationUrl, Sso.AuthenticationUrl);
            dictionary.Add(Key.SsoAuthenticationExpiry, (ulong)Sso.AuthenticationExpiry);
            return;
        }

        dictionary.Add(Key.SsoIssuerUrl, Sso.IssuerUrl);
        dictionary.Add(Key.SsoCentralUrl, Sso.CentralUrl);
        dictionary.Add(Key.SsoNonce, Sso.Nonce);
        dictionary.Add(Key.SsoState, Sso.State);
        dictionary.Add(Key.SsoClientId, Sso.ClientId);
        dictionary.Add(Key.SsoProvider, Sso.Provider);
    }

    private void WriteMembership(ref ByteWriter writer) => Membership?.Write(ref writer);

    private void WriteCapabilities(ref ByteWriter writer) => WriteAll(Capabilities, ref writer);

    private void WriteTags(ref ByteWriter writer) => WriteAll(Tags, ref writer);

    private void WriteCertificatesOfOwnership(ref ByteWriter writer) => WriteAll(CertificatesOfOwnership, ref writer);

    private void WriteRules(ref ByteWriter writer) => Rule.WriteAll(ref writer, Rules);

    private static void WriteAll<T>(EquatableArray<T> credentials, ref ByteWriter writer) where T : ICredential, IEquatable<T>
    {
        foreach (ref readonly var credential in credentials)
            credential.Write(ref writer);
    }

    // Empty fields are omitted.
    private static bool AddField(DictionaryWriter dictionary, byte[] buffer, string key, FieldWriter write)
    {
        var writer = new ByteWriter(buffer);
        write(ref writer);
        if (writer.Position > 0)
            dictionary.Add(key, writer.Written);
        return !writer.Failed;
    }
}
