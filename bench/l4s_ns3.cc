// SPDX-License-Identifier: BSD-2-Clause
// The peer of bench/l4s_sim.sh: the same dumbbell in ns-3 (Debian's libns3-dev). N CUBIC flows with one base RTT
// through one PIE queue; prints one JSON line. What ns-3 has to simulate is kept small on purpose: three nodes, no
// traces but the queue's sojourn time, so that its time is at its best. PIE drops: with ECN a flow of ns-3 3.43 stays
// at one mark a round trip, whatever the queue.
//
//   sender --(100 x the rate, no delay)-- router --(rate, PIE, RTT/2)-- receiver
#include "ns3/applications-module.h"
#include "ns3/core-module.h"
#include "ns3/internet-module.h"
#include "ns3/network-module.h"
#include "ns3/point-to-point-module.h"
#include "ns3/traffic-control-module.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

using namespace ns3;

namespace
{

struct Options
{
	uint32_t flows = 10;
	double rate = 400; // Mb/s
	double rtt = 20;   // ms
	double duration = 60;
	double warmup = 10;
	uint32_t seed = 1;
	uint32_t limit = 10000; // packets
};

struct Figures
{
	bool counting = false;
	std::vector<float> delay; // ms, of packets that left after the warm-up
	std::vector<uint64_t> received;
	QueueDisc::Stats at_warmup;
	uint64_t packets = 0; // that left the bottleneck, warm-up too
};

Figures figures;

void
Defaults(const Options& o)
{
	Config::SetDefault("ns3::TcpL4Protocol::SocketType", TypeIdValue(TcpCubic::GetTypeId()));
	Config::SetDefault("ns3::TcpSocket::SegmentSize", UintegerValue(1448));
	Config::SetDefault("ns3::TcpSocket::InitialCwnd", UintegerValue(10));
	Config::SetDefault("ns3::TcpSocket::DelAckCount", UintegerValue(2));
	Config::SetDefault("ns3::TcpSocket::DelAckTimeout", TimeValue(MilliSeconds(40)));
	Config::SetDefault("ns3::TcpSocket::SndBufSize", UintegerValue(1 << 26));
	Config::SetDefault("ns3::TcpSocket::RcvBufSize", UintegerValue(1 << 26));
	Config::SetDefault("ns3::TcpSocketBase::MinRto", TimeValue(MilliSeconds(200)));
	Config::SetDefault("ns3::PieQueueDisc::QueueDelayReference", TimeValue(MilliSeconds(15)));
	Config::SetDefault("ns3::PieQueueDisc::Tupdate", TimeValue(MilliSeconds(15)));
	Config::SetDefault("ns3::PieQueueDisc::MaxBurstAllowance", TimeValue(MilliSeconds(150)));
	Config::SetDefault("ns3::PieQueueDisc::UseDequeueRateEstimator", BooleanValue(false));
	Config::SetDefault("ns3::PieQueueDisc::UseCapDropAdjustment", BooleanValue(true));
	Config::SetDefault("ns3::PieQueueDisc::UseDerandomization", BooleanValue(true));
	Config::SetDefault("ns3::PieQueueDisc::MeanPktSize", UintegerValue(1500));
	Config::SetDefault("ns3::PieQueueDisc::MaxSize",
			   QueueSizeValue(QueueSize(QueueSizeUnit::PACKETS, o.limit)));
}

void
Left(Time sojourn)
{
	figures.packets++;
	if (figures.counting)
		figures.delay.push_back(static_cast<float>(sojourn.GetSeconds() * 1e3));
}

void
EndOfWarmup(Ptr<QueueDisc> queue, ApplicationContainer* sinks)
{
	figures.counting = true;
	figures.at_warmup = queue->GetStats();
	for (uint32_t i = 0; i < sinks->GetN(); i++)
		figures.received.push_back(DynamicCast<PacketSink>(sinks->Get(i))->GetTotalRx());
}

double
Quantile(std::vector<float>& v, double q)
{
	if (v.empty())
		return 0;
	auto at = v.begin() + static_cast<std::ptrdiff_t>(q * static_cast<double>(v.size() - 1));
	std::nth_element(v.begin(), at, v.end());
	return *at;
}

void
Print(const Options& o, Ptr<QueueDisc> queue, const ApplicationContainer& sinks, double cpu)
{
	const QueueDisc::Stats& end = queue->GetStats();
	double time = o.duration - o.warmup;
	uint64_t bytes = end.nTotalDequeuedBytes - figures.at_warmup.nTotalDequeuedBytes;
	uint64_t packets = end.nTotalDequeuedPackets - figures.at_warmup.nTotalDequeuedPackets;
	double sum = 0;

	for (float d : figures.delay)
		sum += d;
	std::printf("{\"sim\": \"ns-3\", \"version\": \"%s\", \"flows\": %u, \"rate_mbps\": %g, \"rtt_ms\": %g, "
		    "\"duration_s\": %g, \"warmup_s\": %g, \"seed\": %u, \"goodput_mbps\": [",
		    NS3_VERSION, o.flows, o.rate, o.rtt, o.duration, o.warmup, o.seed);
	for (uint32_t i = 0; i < sinks.GetN(); i++)
	{
		uint64_t n = DynamicCast<PacketSink>(sinks.Get(i))->GetTotalRx();
		std::printf("%s%.3f", i ? ", " : "",
			    static_cast<double>(n - figures.received[i]) * 8e-6 / time);
	}
	// Two bytes of PPP a packet are on the link, too.
	std::printf("], \"utilisation\": %.4f, \"delay_mean_ms\": %.3f, \"delay_p50_ms\": %.3f, \"delay_p99_ms\": %.3f, "
		    "\"dropped\": %u, \"packets\": %llu, \"cpu_s\": %.3f}\n",
		    static_cast<double>(bytes + 2 * packets) * 8e-6 / (time * o.rate),
		    figures.delay.empty() ? 0 : sum / static_cast<double>(figures.delay.size()),
		    Quantile(figures.delay, 0.5), Quantile(figures.delay, 0.99),
		    end.nTotalDroppedPackets - figures.at_warmup.nTotalDroppedPackets,
		    static_cast<unsigned long long>(figures.packets), cpu);
}

ApplicationContainer
Flows(const Options& o, Ptr<Node> from, Ptr<Node> to, Ipv4Address address)
{
	Ptr<UniformRandomVariable> start = CreateObject<UniformRandomVariable>();
	ApplicationContainer sinks;

	for (uint32_t i = 0; i < o.flows; i++)
	{
		uint16_t port = static_cast<uint16_t>(5000 + i);
		PacketSinkHelper sink("ns3::TcpSocketFactory",
				      InetSocketAddress(Ipv4Address::GetAny(), port));
		BulkSendHelper bulk("ns3::TcpSocketFactory", InetSocketAddress(address, port));
		ApplicationContainer sender;

		bulk.SetAttribute("SendSize", UintegerValue(14480));
		sinks.Add(sink.Install(to));
		sender = bulk.Install(from);
		sender.Start(Seconds(start->GetValue(0, 1)));
	}
	return sinks;
}

int
Run(const Options& o)
{
	NodeContainer nodes(3);
	PointToPointHelper access;
	PointToPointHelper bottleneck;
	InternetStackHelper internet;
	Ipv4AddressHelper address;

	Defaults(o);
	access.SetDeviceAttribute("DataRate", DataRateValue(DataRate(static_cast<uint64_t>(o.rate * 1e8))));
	access.SetQueue("ns3::DropTailQueue", "MaxSize", StringValue("100000p"));
	bottleneck.SetDeviceAttribute("DataRate",
				      DataRateValue(DataRate(static_cast<uint64_t>(o.rate * 1e6))));
	bottleneck.SetChannelAttribute("Delay", TimeValue(MicroSeconds(static_cast<uint64_t>(o.rtt * 500))));
	bottleneck.SetQueue("ns3::DropTailQueue", "MaxSize", StringValue("1p"));
	internet.Install(nodes);
	NetDeviceContainer first = access.Install(nodes.Get(0), nodes.Get(1));
	NetDeviceContainer second = bottleneck.Install(nodes.Get(1), nodes.Get(2));
	TrafficControlHelper pie;
	pie.SetRootQueueDisc("ns3::PieQueueDisc");
	Ptr<QueueDisc> queue = pie.Install(second.Get(0)).Get(0);
	// ACKs meet no queue to speak of.
	TrafficControlHelper fifo;
	fifo.SetRootQueueDisc("ns3::FifoQueueDisc", "MaxSize", StringValue("100000p"));
	fifo.Install(first);
	fifo.Install(second.Get(1));
	address.SetBase("10.0.1.0", "255.255.255.0");
	address.Assign(first);
	address.SetBase("10.0.2.0", "255.255.255.0");
	Ipv4InterfaceContainer ends = address.Assign(second);
	Ipv4GlobalRoutingHelper::PopulateRoutingTables();

	ApplicationContainer sinks = Flows(o, nodes.Get(0), nodes.Get(2), ends.GetAddress(1));
	queue->TraceConnectWithoutContext("SojournTime", MakeCallback(&Left));
	Simulator::Schedule(Seconds(o.warmup), &EndOfWarmup, queue, &sinks);
	Simulator::Stop(Seconds(o.duration));
	std::clock_t start = std::clock();
	Simulator::Run();
	Print(o, queue, sinks, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
	Simulator::Destroy();
	return 0;
}

} // namespace

int
main(int argc, char** argv)
{
	Options o;
	CommandLine cmd(__FILE__);

	cmd.AddValue("flows", "number of CUBIC flows", o.flows);
	cmd.AddValue("rate", "of the bottleneck, Mb/s", o.rate);
	cmd.AddValue("rtt", "base RTT, ms", o.rtt);
	cmd.AddValue("duration", "simulated seconds", o.duration);
	cmd.AddValue("warmup", "seconds that do not count", o.warmup);
	cmd.AddValue("seed", "run number of ns-3's generator", o.seed);
	cmd.AddValue("limit", "of the queue, packets", o.limit);
	cmd.Parse(argc, argv);
	RngSeedManager::SetRun(o.seed);
	return Run(o);
}
